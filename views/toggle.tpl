<%
# A checkbox that acts on Save: name, label, checked (bool), hint.
field_id = get('field_id', '') or name
problem = errors.get(name, '')
ties = ' '.join(i for i in (field_id + '-hint' if get('hint', '') else '', field_id + '-error' if problem else '') if i)
%>
<div class="toggle">
<input type="checkbox" id="{{field_id}}" name="{{name}}" value="1"\\
% if checked:
 checked\\
% end
% if ties:
 aria-describedby="{{ties}}"\\
% end
% if get('fixed', ''):
 disabled\\
% end
>
<label for="{{field_id}}">{{label}}</label>
% if get('hint', ''):
<p class="hint" id="{{field_id}}-hint">{{hint}}</p>
% end
% if get('fixed', ''):
<p class="hint">{{icon('lock')}} Set by {{fixed}}. Change it there.</p>
% end
% if problem:
<p class="error" id="{{field_id}}-error">{{icon('error')}}{{problem}}</p>
% end
</div>
