<%
# Ask before something is gone: dialog_id, trigger (button words), question, text, action
# (path), safe and danger (button words). A dialog with or without app.js where the
# browser knows commandfor; without script <details> says the same.
little = get('little', False)
%>
<button type="button" class="button danger script{{' little' if little else ''}}" commandfor="{{dialog_id}}" command="show-modal"\\
% if get('trigger_label', ''):
 aria-label="{{trigger_label}}"\\
% end
>{{trigger}}</button>
<dialog id="{{dialog_id}}" aria-labelledby="{{dialog_id}}-question">
<form class="confirm" method="post" action="{{url(action)}}">
<input type="hidden" name="csrf_token" value="{{csrf_token}}">
<h2 id="{{dialog_id}}-question">{{question}}</h2>
<p>{{text}}</p>
<div class="actions">
<button type="button" class="button" commandfor="{{dialog_id}}" command="close" autofocus>{{safe}}</button>
<button class="button danger">{{danger}}</button>
</div>
</form>
</dialog>
<noscript>
<details>
<summary>{{trigger}}</summary>
<form class="confirm" method="post" action="{{url(action)}}">
<input type="hidden" name="csrf_token" value="{{csrf_token}}">
<p><strong>{{question}}</strong> {{text}}</p>
<div class="actions"><button class="button danger">{{danger}}</button></div>
</form>
</details>
</noscript>
