% rebase('layout.tpl', title='Settings', section='settings')
<div class="head"><h1>Settings</h1>
<p>Saved settings are in effect at once; the few that wait for a restart say so.</p>
</div>
% include('errors.tpl')
% if waiting:
<div class="note warn">{{icon('clock')}}<div>
<p>Waiting for a restart: {{', '.join(waiting)}}.\\
%   if can_restart:
 The pages are then at <a href="{{next_address}}">{{next_address}}</a>.\\
%   else:
 Stop the server and start it again; the pages are then at <code>{{next_address}}</code>.\\
%   end
</p>
%   if can_restart:
<form class="actions" method="post" action="{{url('/restart')}}">
% include('csrf.tpl')
<button class="button" data-busy="Restarting…">Restart now</button>
</form>
%   end
</div></div>
% end
<form class="form" method="post" action="{{url('/settings')}}" novalidate>
% include('csrf.tpl')
<div class="cols even">
% for groups in columns:
<div class="stack">
% for group in groups:
<fieldset class="card">
<legend class="hidden">{{group.title}}</legend>
<h2 aria-hidden="true">{{group.title}}</h2>
%   for name in group.names:
%     setting, by, value = declared[name], fixed_by.get(name, ''), values[name]
%     said = setting.help + (' Holds from the next restart on.' if setting.needs_restart else '')
%     if setting.kind == kinds['boolean']:
%       include('toggle.tpl', name=name, label=labels[name], checked=value in (True, 'true', '1', 'on'), hint=said, fixed=by)
%     elif setting.kind == kinds['choice']:
%       include('field.tpl', name=name, label=labels[name], kind='select', options=options(name), value=value, hint=said, fixed=by)
%     elif is_list(name):
%       include('field.tpl', name=name, label=labels[name], kind='area', rows=2, value=value, hint=said + ' One a line.', optional=True, fixed=by)
%     else:
%       include('field.tpl', name=name, label=labels[name], kind='number' if setting.kind == kinds['integer'] else 'text', value=value, hint=said, optional=setting.default == '', fixed=by)
%     end
%   end
</fieldset>
% end
</div>
% end
</div>
<div class="actions"><button class="button primary" data-busy="Saving…">Save settings</button></div>
</form>
