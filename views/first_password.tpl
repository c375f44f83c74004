% rebase('layout.tpl', title='Choose your own password', bare=True)
% include('errors.tpl')
<form class="card form" method="post" action="{{url('/profile')}}" novalidate>
% include('csrf.tpl')
<div>
<h1>Choose your own password</h1>
<p class="hint">The first one is known to everybody. Nothing else opens until you have your own.</p>
</div>
<input type="text" name="username" value="{{user.username}}" autocomplete="username" class="hidden" tabindex="-1" aria-hidden="true" readonly>
<div class="stack">
% include('secret.tpl', name='current_password', label='First password', complete='current-password', focused=not errors)
% include('secret.tpl', name='new_password', label='Your own password', complete='new-password', hint='At least 12 characters. Several words are good.')
% include('secret.tpl', name='confirm_password', label='Once again', complete='new-password')
</div>
<button class="button primary wide" data-busy="Saving…">Set password</button>
</form>
<form method="post" action="{{url('/logout')}}">
% include('csrf.tpl')
<button class="button quiet wide">Log out</button>
</form>
