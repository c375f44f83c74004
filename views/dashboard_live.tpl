<%
# The parts of the dashboard that move. Each with data-live takes the place of the one
# with the same id; data-say is what a screen reader hears when it is new.
counts, took, chart = figures.counts, figures.durations, figures.chart
is_new = not entries and not counts.requests  # nothing to count yet
here = '/?range=%s&measure=' % period.name
%>
<div id="live-problems" data-live data-poll="{{poll}}" class="stack tight"\\
% if not problems:
 hidden\\
% else:
 data-say="{{' '.join(p.plain for p in problems if p.kind == 'err')}}"\\
% end
>
% for problem in problems:
<div class="note {{problem.kind}}">{{icon('error' if problem.kind == 'err' else 'alert')}}<div>
<p>{{problem.sentence}}\\
%   if problem.since:
 since {{clock(problem.since)}}\\
%   end
 {{problem.detail}}\\
%   for place, (path, words) in enumerate(problem.links):
{{' or' if place else ''}} <a href="{{url(path)}}">{{words}}</a>\\
%   end
</p>
%   if problem.offers_restart:
<form class="actions" method="post" action="{{url('/restart')}}">
% include('csrf.tpl')
<button class="button" data-busy="Restarting…">Restart now</button>
</form>
%   end
</div></div>
% end
</div>
% include('checklist.tpl')
<section class="card flush" aria-label="Numbers of {{period.words}}">
<div class="tiles" id="live-tiles" data-live{{' hidden' if is_new else ''}}>
<a class="tile" href="{{url(here + 'requests')}}"\\
% if measure == 'requests':
 aria-current="true"\\
% end
><span>Requests</span><span class="figure">{{short(counts.requests)}}</span><span class="sub">{{'%d running now' % running if running else 'none running'}}</span></a>
<a class="tile{{' bad' if counts.failed else ''}}" href="{{url(here + 'failed')}}"\\
% if measure == 'failed':
 aria-current="true"\\
% end
><span>Failed</span><span class="figure">{{short(counts.failed)}}</span><span class="sub">{{share(counts.failed, counts.requests) if counts.requests else 'nothing ran'}}</span></a>
<a class="tile" href="{{url(here + 'latency')}}"\\
% if measure == 'latency':
 aria-current="true"\\
% end
><span>Median time</span><span class="figure">{{duration(took.median)}}</span><span class="sub">p95 {{duration(took.p95)}}, first word {{duration(took.first_token)}}</span></a>
<a class="tile" href="{{url(here + 'tokens')}}"\\
% if measure == 'tokens':
 aria-current="true"\\
% end
><span>Tokens in / out</span><span class="figure">{{short(counts.input_tokens)}} <small>/ {{short(counts.output_tokens)}}</small></span><span class="sub">{{short(counts.cached_tokens)}} of it from a cache</span></a>
</div>
<figure class="chart" id="live-chart" data-live{{' hidden' if is_new else ''}}>
<div class="y" aria-hidden="true">
% for tick in chart.ticks:
<span>{{tick}}</span>
% end
</div>
{{drawing}}
<div class="x" aria-hidden="true">
% for at in chart.times:
<span>{{axis_time(at, period.time_form)}}</span>
% end
<span>now</span>
</div>
<figcaption class="wide row spread">
<span class="legend">
% for one in chart.series:
<span><i class="f{{one.colour}}"></i>{{one.name}}</span>
% end
</span>
</figcaption>
<details class="wide" id="chart-table">
<summary>Show as table</summary>
% if chart.table:
<div class="scroll" tabindex="0" role="group" aria-label="The chart as a table">
<table class="plain">
<thead><tr><th scope="col">From</th>
% for one in chart.series:
<th scope="col" class="num">{{one.name}}</th>
% end
</tr></thead>
<tbody>
% for at, cells in chart.table:
<tr><th scope="row">{{clock(at)}}</th>
%   for cell in cells:
<td class="num">{{cell}}</td>
%   end
</tr>
% end
</tbody>
</table>
</div>
% else:
<p class="muted">Nothing in {{period.words}}.</p>
% end
</details>
</figure>
</section>
<div class="cols">
<section class="card flush" id="live-providers" data-live aria-labelledby="by-provider"{{' hidden' if is_new else ''}}>
<div class="card-head"><h2 id="by-provider">By provider</h2></div>
% if figures.by_provider:
<table class="table" role="table">
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Provider</th><th role="columnheader" scope="col" class="num">Requests</th><th role="columnheader" scope="col" class="num">Failed</th><th role="columnheader" scope="col"><span class="hidden">Share</span></th><th role="columnheader" scope="col" class="num">Median</th><th role="columnheader" scope="col" class="num">Tokens in / out</th></tr></thead>
<tbody role="rowgroup">
%   for line in figures.by_provider:
<tr role="row"><th role="rowheader" scope="row" class="subject">\\
%     if line.slug:
<a href="{{url('/logs?provider=' + line.slug)}}">{{names.get(line.slug, line.slug)}}</a>\\
%     else:
<span class="muted">Refused here</span>\\
%     end
</th>
<td role="cell" class="num" data-l="Requests">{{count(line.counts.requests)}}</td>
<td role="cell" class="num" data-l="Failed">{{count(line.counts.failed)}}</td>
<td role="cell" class="bar-cell">{{share_bar(line.counts.requests - line.counts.failed, line.counts.failed, counts.requests)}}</td>
<td role="cell" class="num" data-l="Median">{{duration(line.median)}}</td>
<td role="cell" class="num" data-l="Tokens">{{short(line.counts.input_tokens)}} / {{short(line.counts.output_tokens)}}</td></tr>
%   end
</tbody>
</table>
% else:
<p class="card-head muted">Nothing in {{period.words}}.</p>
% end
</section>
<section class="card flush" id="live-now" data-live aria-labelledby="now">
<div class="card-head"><h2 id="now">Now</h2></div>
<dl class="facts inset">
<dt>Active</dt><dd>\\
% if active:
{{active.name}}\\
%   if visitor.is_admin and active_state.word:
 <span class="{{'badge ' + active_state.kind if active_state.kind else 'muted'}}">{{active_state.word}}</span>\\
%   end
% else:
<span class="muted">none</span>\\
% end
% if visitor.is_admin:
 <a href="{{url('/providers')}}">Change</a>\\
% end
</dd>
<dt>Base URL</dt><dd><code id="now-url">{{active_url}}</code> <button type="button" class="button quiet little script" data-copy="now-url" aria-label="Copy the base URL">{{icon('copy')}}</button></dd>
% if visitor.is_admin:
<dt>Running for</dt><dd>{{span(uptime)}}</dd>
<dt>Version</dt><dd>{{version}}</dd>
<dt>Database</dt><dd>{{size(database_bytes)}}</dd>
% end
</dl>
</section>
</div>
<section class="card flush" id="live-recent" data-live aria-labelledby="recent">
<div class="card-head"><h2 id="recent">{{'Recent requests' if visitor.is_admin else 'Your recent requests'}}</h2>
% if entries:
<a href="{{url('/logs')}}">All requests</a>
% end
</div>
% if entries:
% include('request_rows.tpl', log_query='', caption='Recent requests')
% else:
<div class="empty"><strong>No requests yet</strong><p>They appear here by themselves as soon as Claude Code sends the first one.</p>
<a class="button" href="{{url('/connect')}}">Connect Claude Code</a></div>
% end
</section>
