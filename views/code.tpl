<%
# Something to copy: code_id, text; json (scrolls instead of wrapping), label.
%>
<div class="code">
<pre id="{{code_id}}" tabindex="0"\\
% if get('json', False):
 class="json"\\
% end
% if get('label', ''):
 aria-label="{{label}}" role="group"\\
% end
>{{text}}</pre>
<button type="button" class="button little script" data-copy="{{code_id}}">{{icon('copy')}} Copy</button>
</div>
