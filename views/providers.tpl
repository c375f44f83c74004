% rebase('layout.tpl', title='Providers', section='providers')
% is_admin = visitor.is_admin
<div class="head"><h1>Providers</h1>
% if is_admin:
<a class="button primary" href="{{url('/provider/new')}}">{{icon('plus')}} Add provider</a>
% end
</div>
% if not rows:
<div class="card"><div class="empty"><strong>No providers yet</strong>
<p>A provider is a service or a local server that answers Claude Code's requests.</p>
%   if is_admin:
<a class="button" href="{{url('/provider/new')}}">Add provider</a>
%   end
</div></div>
% else:
<div class="card flush">
<div class="roomy">
<table class="table" role="table">
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Provider</th>\\
% if is_admin:
<th role="columnheader" scope="col">State</th>\\
% end
<th role="columnheader" scope="col">Haiku · Sonnet · Opus</th>\\
% if is_admin:
<th role="columnheader" scope="col">Key</th><th role="columnheader" scope="col"><span class="hidden">Actions</span></th>\\
% end
</tr></thead>
<tbody role="rowgroup">
% for row in rows:
%   provider, state = row.provider, row.state
<tr role="row">
<th role="rowheader" scope="row" class="subject"><span class="row">\\
%   if is_admin:
<a href="{{url('/provider/edit/%d' % provider.id)}}">{{provider.name}}</a>\\
%   else:
<span>{{provider.name}}</span>\\
%   end
%   if provider.active:
<span class="badge active">{{icon('check')}}Active</span>\\
%   end
</span><small class="mono">/v1/messages/<wbr>{{provider.slug}}</small></th>
%   if is_admin:
<td role="cell" class="state">\\
%     if state.kind:
<span class="badge {{state.kind}}">{{icon('error' if state.kind == 'err' else 'alert')}}{{state.word}}</span>\\
%     else:
<span class="muted">{{state.word}}</span>\\
%     end
%     if state.detail:
<small>{{state.detail}}</small>\\
%     end
</td>
%   end
%   names = [provider.model_haiku, provider.model_sonnet, provider.model_opus]
<td role="cell" class="full small">\\
%   if any(names):
%     for name in dict.fromkeys(name or provider.default_model or 'as asked' for name in names):
<div>{{name}}</div>\\
%     end
%   elif provider.default_model:
{{provider.default_model}}\\
%   elif not state.needs_key:
<span class="muted">as the client asks</span>\\
%   end
</td>
%   if is_admin:
<td role="cell" class="mono" data-l="Key">{{row.key}}</td>
<td role="cell" class="buttons"><div>
%     if state.needs_key:
<a class="button little" href="{{url('/provider/edit/%d#api_key' % provider.id)}}">{{icon('plus')}} Add key</a>
%     else:
<form class="inline" method="post" action="{{url('/provider/test/%d' % provider.id)}}">
%       include('csrf.tpl')
<button class="button little" data-busy="Testing…" aria-label="Test {{provider.name}}">Test</button></form>
%       if not provider.active:
<form class="inline" method="post" action="{{url('/provider/activate/%d' % provider.id)}}">
%         include('csrf.tpl')
<button class="button little" data-busy="Activating…" aria-label="Activate {{provider.name}}">Activate</button></form>
%       end
%     end
<a class="button little quiet" href="{{url('/provider/edit/%d' % provider.id)}}" aria-label="Edit {{provider.name}}">Edit</a>
</div></td>
%   end
</tr>
% end
</tbody>
</table>
</div>
</div>
% end
