% for said in flashes():
%   kind = said.kind
<div class="note {{kind}}" role="{{'alert' if kind == 'err' else 'status'}}">{{icon({'ok': 'check', 'warn': 'alert', 'err': 'error'}[kind])}}<div><p>{{said.message}}\\
%   if said.link:
 <a href="{{url(said.link)}}">{{said.link_text}}</a>\\
%   end
</p></div></div>
% end
