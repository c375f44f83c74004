<%
# One field: name, label, value; hint, kind (text, url, password, number, select, area),
# options (value, words), list (id of a datalist), placeholder, optional, mono, rows.
kind = get('kind', 'text')
field_id = get('field_id', '') or name
problem = errors.get(name, '')
ties = ' '.join(i for i in (field_id + '-hint' if get('hint', '') else '', field_id + '-error' if problem else '') if i)
when = get('when', '')
shape = ('mono ' if get('mono', False) else '') + ('number' if kind == 'number' else '')
%>
<div class="field{{' bad' if problem else ''}}{{' when ' + when if when else ''}}">
<label for="{{field_id}}">{{label}}\\
% if get('optional', False):
 <span class="optional">(optional)</span>\\
% end
</label>
% if get('hint', ''):
<p class="hint" id="{{field_id}}-hint">{{hint}}</p>
% end
% if problem:
<p class="error" id="{{field_id}}-error">{{icon('error')}}{{problem}}</p>
% end
% if kind == 'select':
<select id="{{field_id}}" name="{{name}}"\\
% elif kind == 'area':
<textarea id="{{field_id}}" name="{{name}}" rows="{{get('rows', 3)}}" spellcheck="false"\\
% else:
<input id="{{field_id}}" name="{{name}}" type="{{kind if kind in ('password', 'url') else 'text'}}" value="{{value}}"\\
% end
% if kind == 'number':
 inputmode="numeric"\\
% end
% if ties:
 aria-describedby="{{ties}}"\\
% end
% if problem:
 aria-invalid="true"\\
% end
% if shape.strip():
 class="{{shape.strip()}}"\\
% end
% if get('placeholder', ''):
 placeholder="{{placeholder}}"\\
% end
% if get('list', ''):
 list="{{list}}"\\
% end
% if get('complete', ''):
 autocomplete="{{complete}}"\\
% elif kind != 'select':
 autocomplete="off" autocapitalize="none" spellcheck="false"\\
% end
% if get('fixed', ''):
 disabled\\
% end
% if get('focused', False):
 autofocus\\
% end
% if kind == 'select':
>
%   for choice, words in options:
<option value="{{choice}}"\\
%     if choice == value:
 selected\\
%     end
>{{words}}</option>
%   end
</select>
% elif kind == 'area':
>
{{value}}</textarea>
% else:
>
% end
% if get('fixed', ''):
<p class="hint">{{icon('lock')}} Set by {{fixed}}. Change it there.</p>
% end
</div>
