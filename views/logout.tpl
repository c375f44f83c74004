% rebase('layout.tpl', title='Log out', bare=True)
<div class="card">
<h1>Log out?</h1>
<p>Another site asked for this. You stay logged in unless you say so yourself.</p>
<form class="actions" method="post" action="{{url('/logout')}}">
% include('csrf.tpl')
<button class="button primary">Log out</button>
<a class="button" href="{{url('/')}}">Stay</a>
</form>
</div>
