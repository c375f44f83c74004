<%
# A sentence with a bar: kind '' (plain), ok, warn or err; text; link and link_text.
kind = get('kind', '')
shapes = {'ok': 'check', 'warn': 'alert', 'err': 'error'}
%>
<div class="note {{kind}}"\\
% if get('role', ''):
 role="{{role}}"\\
% end
>{{icon(shapes.get(kind, 'info'))}}<div><p>{{text}}\\
% if get('link', ''):
 <a href="{{url(link)}}">{{link_text}}</a>\\
% end
</p></div></div>
