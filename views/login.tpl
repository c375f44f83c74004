% rebase('layout.tpl', title='Log in', bare=True)
<div class="card">
<h1>Log in</h1>
% if get('first_start', False):
% include('note.tpl', text='First start: log in as admin with admin123. You choose your own password next.')
% end
% if get('problem', ''):
% include('note.tpl', kind='err', role='alert', text=problem)
% end
<form class="form" method="post" action="{{url('/login')}}" novalidate>
<input type="hidden" name="next" value="{{next_path}}">
% include('field.tpl', name='username', label='Name', value=username, complete='username', focused=not username)
% include('secret.tpl', name='password', label='Password', complete='current-password', focused=bool(username))
<button class="button primary wide" data-busy="Logging in…">Log in</button>
</form>
</div>
<p class="hint">Forgotten? Whoever runs the server can set a new password: <code>aiproxy reset-password</code></p>
