% rebase('layout.tpl', title='Users', section='users')
<div class="head"><h1>Users</h1>
<p>A member uses the proxy with own keys and sees own requests. An admin sees and changes everything.</p>
</div>
% include('errors.tpl', anchors={'name': 'key-name', 'expires_in_days': 'key-days'})
<div class="cols">
<div class="stack">
% if new_key:
% include('new_key.tpl')
% end
<div class="card flush">
<table class="table" role="table">
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Name</th><th role="columnheader" scope="col">Role</th><th role="columnheader" scope="col">Last login</th><th role="columnheader" scope="col"><span class="hidden">State</span></th></tr></thead>
<tbody role="rowgroup">
% for row in rows:
%   one = row['user']
<tr role="row">
<th role="rowheader" scope="row" class="subject"><span class="row"><a href="{{url('/users?edit=%d#user-form' % one.id)}}">{{one.username}}</a>\\
%   if visitor.user and one.id == visitor.user.id:
 <span class="muted small">you</span>\\
%   end
</span></th>
<td role="cell" class="state">{{one.role}}</td>
<td role="cell" data-l="Last login">{{ago(one.last_login, now)}}</td>
<td role="cell" class="full"><div class="row">\\
%   if not one.enabled:
<span class="badge">{{icon('off')}}Off</span>\\
%   end
%   if one.must_change_password:
<span class="badge warn">{{icon('alert')}}First password</span>\\
%   end
%   if row['locked_until']:
<span class="small">{{icon('lock')}} Locked until {{clock(row['locked_until'])}} after {{plural(row['failures'], 'wrong password')}}</span>
<form class="inline" method="post" action="{{url('/user/unlock/%d' % one.id)}}">
%     include('csrf.tpl')
<button class="button little" aria-label="Unlock {{one.username}}">Unlock</button></form>\\
%   end
</div></td>
</tr>
% end
</tbody>
</table>
</div>
% if edited.id:
<div class="card flush">
<div class="card-head"><h2>Keys of {{edited.username}}</h2></div>
<div class="card-head">
% include('key_form.tpl', action='/user/keys/new/%d' % edited.id)
</div>
%   if keys:
% include('keys.tpl', revoke_path='/user/keys/revoke/%d', empty='')
%   else:
<div class="card-head"><p class="muted">{{edited.username}} has no keys.</p></div>
%   end
</div>
% end
</div>
<div class="card" id="user-form">
% is_new = not edited.id
<h2>{{'New user' if is_new else 'Edit ' + edited.username}}</h2>
<form class="form" method="post" action="{{url('/user/new' if is_new else '/user/edit/%d' % edited.id)}}" novalidate>
% include('csrf.tpl')
<div class="stack">
% include('field.tpl', name='username', label='Name', value=values['username'])
% include('secret.tpl', name='password', label='Password', complete='new-password', hint='At least 12 characters. Several words are good.' if is_new else 'Empty: stays as it is. A new one logs the user out everywhere.')
% include('field.tpl', name='role', label='Role', kind='select', value=values['role'], options=[('member', 'Member'), ('admin', 'Admin')])
% include('toggle.tpl', name='enabled', label='May log in', checked=values['enabled'], hint='Off: sessions and keys stop at the next request.')
</div>
<div class="actions">
<button class="button primary" data-busy="Saving…">{{'Add user' if is_new else 'Save user'}}</button>
% if not is_new:
<a class="button quiet" href="{{url('/users')}}">Cancel</a>
% end
</div>
</form>
% if not is_new:
<hr>
<div>
% include('confirm.tpl', dialog_id='delete-user', trigger='Delete user', question='Delete ' + edited.username + '?', text='All keys and sessions end at once. The requests stay in the log.', action='/user/delete/%d' % edited.id, safe='Keep', danger='Delete user')
</div>
% end
</div>
</div>
