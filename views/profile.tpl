% rebase('layout.tpl', title='Profile & keys', section='profile')
<div class="head"><h1>Profile & keys</h1></div>
% include('errors.tpl', anchors={'name': 'key-name', 'expires_in_days': 'key-days'})
% if new_key:
% include('new_key.tpl')
% end
<div class="card flush">
<div class="card-head"><div><h2>Your API keys</h2><p class="hint">Claude Code sends one as ANTHROPIC_AUTH_TOKEN; it goes to no provider.\\
% if visitor.is_admin:
 As an admin's key it also opens these pages to scripts.\\
% end
</p></div></div>
<div class="card-head">
% include('key_form.tpl', action='/profile/keys/new')
</div>
% if keys:
% include('keys.tpl', revoke_path='/profile/keys/revoke/%d', empty='')
% else:
<div class="card-head"><p class="muted">You have no keys yet.</p></div>
% end
</div>
<div class="cols even">
<form class="card form" method="post" action="{{url('/profile')}}" novalidate>
% include('csrf.tpl')
<h2>Password</h2>
<input type="text" name="username" value="{{user.username}}" autocomplete="username" class="hidden" tabindex="-1" aria-hidden="true" readonly>
<div class="stack">
% include('secret.tpl', name='current_password', label='Present password', complete='current-password')
% include('secret.tpl', name='new_password', label='New password', complete='new-password', hint='At least 12 characters. Several words are good.')
% include('secret.tpl', name='confirm_password', label='New password again', complete='new-password')
</div>
<div class="actions"><button class="button" data-busy="Changing…">Change password</button></div>
<p class="hint">All your other sessions are logged out.</p>
</form>
<form class="card form" method="post" action="{{url('/profile')}}">
% include('csrf.tpl')
<h2>Colours</h2>
<fieldset class="range"><legend class="hidden">Colours</legend>
% for value, words in (('system', 'As the system says'), ('light', 'Light'), ('dark', 'Dark')):
<label><input type="radio" name="theme" value="{{value}}"\\
%   if user.theme == value:
 checked\\
%   end
>{{words}}</label>
% end
</fieldset>
<div class="actions"><button class="button">Save colours</button></div>
<hr>
<dl class="facts"><dt>Name</dt><dd>{{user.username}}</dd><dt>Role</dt><dd>{{user.role}}</dd><dt>Last login</dt><dd>{{clock(user.last_login)}}</dd></dl>
</form>
</div>
