% rebase('layout.tpl', title='Aliases', section='aliases')
<div class="head"><h1>Aliases</h1>
<p>Your own names for a provider, a system prompt and perhaps a model. Each has a base URL to give to Claude Code.</p>
</div>
% include('errors.tpl')
% is_admin = visitor.is_admin
<div class="cols">
<div class="stack">
% if not rows:
<div class="card"><div class="empty"><strong>No aliases yet</strong>
<p>Every provider has a base URL of its own already. An alias adds a shorter name, the custom prompt or another model.</p></div></div>
% else:
<div class="card flush">
<table class="table" role="table">
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Alias</th><th role="columnheader" scope="col">Answered by</th><th role="columnheader" scope="col">Prompt</th><th role="columnheader" scope="col">Base URL</th></tr></thead>
<tbody role="rowgroup">
% for row in rows:
%   alias, provider = row['alias'], row['provider']
<tr role="row">
<th role="rowheader" scope="row" class="subject">\\
%   if is_admin:
<a href="{{url('/aliases?edit=%d#alias-form' % alias.id)}}"\\
%     if alias.id == edited.id:
 aria-current="true"\\
%     end
>{{alias.alias}}</a>\\
%   else:
{{alias.alias}}\\
%   end
</th>
<td role="cell" class="full">\\
%   if provider:
{{provider.name}}\\
%     if not provider.enabled:
 <span class="badge warn">{{icon('off')}}Off</span>\\
%     end
%   elif active:
{{active.name}} <small>whichever is active</small>\\
%   else:
<span class="badge warn">{{icon('alert')}}No active provider</span>\\
%   end
%   if alias.model:
<small>{{alias.model}}</small>\\
%   end
</td>
<td role="cell" class="muted" data-l="Prompt">{{alias.prompt}}</td>
<td role="cell" class="full"><div class="row"><code id="url-{{alias.id}}">{{breakable(row['base_url'])}}</code><button type="button" class="button little script" data-copy="url-{{alias.id}}" aria-label="Copy the base URL of {{alias.alias}}">{{icon('copy')}} Copy</button></div></td>
</tr>
% end
</tbody>
</table>
</div>
% end
</div>
% if is_admin:
<div class="card" id="alias-form">
% is_new = not edited.id
<h2>{{'New alias' if is_new else 'Edit ' + edited.alias}}</h2>
<form class="form" method="post" action="{{url('/alias/new' if is_new else '/alias/edit/%d' % edited.id)}}" novalidate>
% include('csrf.tpl')
<div class="stack">
% include('field.tpl', name='alias', label='Alias', value=values['alias'], hint='Lower-case letters, digits, dots, hyphens.', placeholder='fast')
% include('field.tpl', name='provider_id', label='Answered by', value=str(values['provider_id'] or ''), kind='select', options=[('', follow_words)] + [(str(p.id), p.name) for p in providers])
% include('field.tpl', name='prompt', label='System prompt', value=values['prompt'], kind='select', options=[('standard', 'Standard'), ('custom', 'Custom')], hint='Custom is the one under System prompt.')
% include('field.tpl', name='model', label='Model', value=values['model'], optional=True, hint='In place of the provider\'s own choice, whatever Claude Code asks for.')
</div>
<div class="actions">
<button class="button primary" data-busy="Saving…">{{'Add alias' if is_new else 'Save alias'}}</button>
% if not is_new:
<a class="button" href="{{url('/aliases')}}">Cancel</a>
% end
</div>
</form>
% if not is_new:
<hr>
<div>
% include('confirm.tpl', dialog_id='delete-alias', trigger='Delete alias', question='Delete ' + edited.alias + '?', text='Clients that use this base URL get an error from then on. Its requests stay in the log.', action='/alias/delete/%d' % edited.id, safe='Keep it', danger='Delete alias')
</div>
% end
</div>
% end
</div>
