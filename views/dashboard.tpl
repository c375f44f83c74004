% rebase('layout.tpl', title='Dashboard', section='dashboard')
<div class="head"><h1>Dashboard</h1>
<nav class="segments" aria-label="Range">
% for name in ranges:
<a href="{{url('/?range=%s&measure=%s' % (name, measure))}}"\\
%   if name == period.name:
 aria-current="page"\\
%   end
>{{name}}</a>
% end
</nav>
</div>
<div class="stack live" data-poll="{{poll}}" data-src="{{url(live)}}" data-etag="{{tag}}" data-login="{{url('/login')}}">
% include('dashboard_live.tpl')
</div>
% if configuration:
<section class="card" aria-labelledby="set-up">
<h2 id="set-up">Set up</h2>
<div class="links halves">
%   for path, name, state in configuration:
<a href="{{url(path)}}"><span>{{name}}</span><span class="muted small">{{state}}</span></a>
%   end
</div>
</section>
% end
