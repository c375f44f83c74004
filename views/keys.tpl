<%
# Personal keys as a table: keys, revoke_path (with %d), empty.
%>
% if not keys:
<p class="muted">{{empty}}</p>
% else:
<table class="table" role="table">
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Name</th><th role="columnheader" scope="col">Key</th><th role="columnheader" scope="col">Last used</th><th role="columnheader" scope="col">Expires</th><th role="columnheader" scope="col"><span class="hidden">Actions</span></th></tr></thead>
<tbody role="rowgroup">
% for key in keys:
%   expired = key.expires_at is not None and key.expires_at <= now
<tr role="row">
<th role="rowheader" scope="row" class="subject">{{key.name}}</th>
<td role="cell" class="mono">{{key.prefix}}…</td>
<td role="cell" data-l="Last used">{{ago(key.last_used_at, now)}}</td>
<td role="cell" data-l="Expires">\\
%   if expired:
<span class="badge warn">{{icon('alert')}}Expired</span>\\
%   else:
{{clock(key.expires_at)}}\\
%   end
</td>
<td role="cell" class="buttons"><div>
%   used = 'Last used %s.' % ago_words(key.last_used_at, now) if key.last_used_at else 'It was never used.'
%   include('confirm.tpl', dialog_id='revoke-%d' % key.id, little=True, trigger='Revoke', trigger_label='Revoke ' + key.name, question='Revoke ' + key.name + '?', text='It stops working at once. ' + used, action=revoke_path % key.id, safe='Keep it', danger='Revoke key')
</div></td>
</tr>
% end
</tbody>
</table>
% end
