<%
rebase('layout.tpl', title='Requests', section='requests')
last = first + len(entries) - 1
%>
<div class="head"><h1>Requests</h1>
<div class="row">
<a class="button" href="{{url(link(page='').replace('/logs', '/logs/export', 1))}}{{'&' if '?' in link(page='') else '?'}}format=csv{{'' if 'range=' in link(page='') else '&range=' + period}}" download>{{icon('download')}} CSV</a>
<a class="button" href="{{url(link(page='').replace('/logs', '/logs/export', 1))}}{{'&' if '?' in link(page='') else '?'}}format=json{{'' if 'range=' in link(page='') else '&range=' + period}}" download>{{icon('download')}} JSON</a>
</div>
</div>
% include('errors.tpl')
<form class="stack" method="get" action="{{url('/logs')}}" role="search">
<div class="filters">
<div class="field"><label for="q">Search</label><input id="q" name="q" type="search" value="{{filters['q']}}" placeholder="model, id, error…" autocomplete="off" autocapitalize="none" spellcheck="false"></div>
<div class="field"><label for="provider">Answered by</label><select id="provider" name="provider">
<option value="">Anyone</option>
% for slug in slugs:
<option value="{{slug}}"\\
%   if slug == filters['provider']:
 selected\\
%   end
>{{slug}}</option>
% end
</select></div>
<div class="field"><label for="status">Status</label><select id="status" name="status">
% known = [value for value, _ in statuses]
% for value, words in statuses + (((filters['status'], filters['status']),) if filters['status'] not in known else ()):
<option value="{{value}}"\\
%   if value == filters['status']:
 selected\\
%   end
>{{words}}</option>
% end
</select></div>
<div class="field"><label for="range">When</label><select id="range" name="range">
% for name, words in periods.items():
<option value="{{name}}"\\
%   if name == period:
 selected\\
%   end
>{{'Any time' if name == 'all' else 'Last ' + words}}</option>
% end
</select></div>
<button class="button">Filter</button>
</div>
<details id="more-filters"\\
% if has_more_filters:
 open\\
% end
>
<summary>More filters</summary>
<div class="filters">
% for name, label, example in (('model', 'Model', 'exactly as written'), ('alias', 'Alias', 'fast'), ('user', 'User', 'admin'), ('key', 'Key', 'aip_4f2a'), ('session', 'Session', '')):
%   if name != 'user' or visitor.is_admin:
<div class="field"><label for="{{name}}">{{label}}</label><input id="{{name}}" name="{{name}}" value="{{filters[name]}}" placeholder="{{example}}" autocomplete="off" autocapitalize="none" spellcheck="false"></div>
%   end
% end
</div>
</details>
</form>
<div class="stack live" data-poll="{{poll}}" data-src="{{url(live)}}" data-login="{{url('/login')}}">
% include('requests_live.tpl', number=0, link='')
</div>
% if not entries:
<div class="card"><div class="empty">
%   if wanted.page > 1:
<strong>No more requests</strong><p>There are {{plural(total, 'request')}} in all.</p><a class="button" href="{{url(link())}}">To the newest</a>
%   elif is_filtered:
<strong>Nothing matches</strong><p>No request{{' of the last ' + periods[period] if period != 'all' else ''}} fits these filters.</p><a class="button" href="{{url('/logs')}}">Clear filters</a>
%   elif period != 'all':
<strong>No requests in {{periods[period]}}</strong><p>Older ones are kept.</p><a class="button" href="{{url('/logs?range=all')}}">Show all</a>
%   else:
<strong>No requests yet</strong><p>Each one that Claude Code sends is listed here, failed and refused ones too.</p><a class="button" href="{{url('/connect')}}">Connect Claude Code</a>
%   end
</div></div>
% else:
<div class="card flush">
<div class="card-head small"><span class="muted">\\
%   if period == 'all':
Showing all{{' that match' if is_filtered else ''}}. \\
%   else:
Showing {{periods[period]}}. <a href="{{url(link(range='all'))}}">Show all</a>\\
%   end
%   if is_filtered:
 <a href="{{url('/logs')}}">Clear filters</a>\\
%   end
</span><span class="muted">{{count(first)}}–{{count(last)}} of {{count(total)}}</span></div>
% include('request_rows.tpl')
</div>
<nav class="pager" aria-label="Newer and older requests">
<span>\\
%   if wanted.page > 1:
<a class="button" href="{{url(link(page=wanted.page - 1 if wanted.page > 2 else ''))}}">{{icon('back')}} Newer</a>\\
%   end
</span>
<span>{{count(first)}}–{{count(last)}} of {{count(total)}}</span>
<span>\\
%   if last < total:
<a class="button" href="{{url(link(page=wanted.page + 1))}}">Older {{icon('next')}}</a>\\
%   end
</span>
</nav>
% end
