% rebase('layout.tpl', title=title, bare=not user)
<div class="stack">
<h1>{{title}}</h1>
<p>{{message[:1].upper() + message[1:]}}{{'' if message[-1:] in '.!?' else '.'}}</p>
% if user and user.must_change_password:
<p><a class="button" href="{{url('/profile')}}">Choose your own password</a></p>
% elif user:
<p class="row"><a class="button" href="{{url('/')}}">To the dashboard</a> <a href="{{url('/help')}}">Help</a></p>
% else:
<p><a class="button" href="{{url('/login')}}">Log in</a></p>
% end
<p class="hint">Request <code>{{request_id}}</code>: the server's log knows it by this id.</p>
</div>
