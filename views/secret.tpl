<%
# A password or key that goes in and never comes out: name, label; hint, state (one
# line on what is stored or kept), complete (autocomplete).
field_id = get('field_id', '') or name
problem = errors.get(name, '')
ties = ' '.join(i for i in (field_id + '-hint' if get('hint', '') else '', field_id + '-state' if get('state', '') else '', field_id + '-error' if problem else '') if i)
%>
<div class="field{{' bad' if problem else ''}}">
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
<div class="secret">
<input id="{{field_id}}" name="{{name}}" type="password" autocomplete="{{get('complete', '') or 'off'}}" autocapitalize="none" spellcheck="false"\\
% if ties:
 aria-describedby="{{ties}}"\\
% end
% if problem:
 aria-invalid="true"\\
% end
% if get('focused', False):
 autofocus\\
% end
>
<button type="button" class="button script" data-show="{{field_id}}" aria-label="Show {{label.lower()}}">Show</button>
</div>
% if get('state', ''):
<p class="kept" id="{{field_id}}-state">{{state}}</p>
% end
</div>
