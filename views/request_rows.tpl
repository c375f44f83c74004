<%
# Rows of the request log: `entries`, and `log_query`, which each link carries along.
%>
<div class="roomy">
<table class="table" role="table">
<caption class="hidden">{{get('caption', 'Requests')}}</caption>
<thead role="rowgroup"><tr role="row">
<th role="columnheader" scope="col">Asked for</th><th role="columnheader" scope="col">Status</th><th role="columnheader" scope="col">Answered by</th>
<th role="columnheader" scope="col" class="num">Input</th><th role="columnheader" scope="col" class="num">Output</th><th role="columnheader" scope="col" class="num">Took</th><th role="columnheader" scope="col" class="num">When</th>
</tr></thead>
<tbody role="rowgroup">
% for entry in entries:
<tr role="row">
<th role="rowheader" scope="row" class="subject"><a href="{{url('/logs/' + entry.id)}}{{log_query}}">{{entry.model_requested or 'A request'}}</a>\\
%   if entry.alias and entry.alias != entry.provider:
<small class="muted">{{entry.alias}}</small>\\
%   end
</th>
<td role="cell" class="state">\\
%   if entry.status < 400:
<span class="muted">{{entry.status}}</span>\\
%   elif entry.status == 499:
<span class="badge">{{status_words(entry.status)}}</span>\\
%   else:
<span class="badge err">{{icon('error')}}{{status_words(entry.status)}}</span>\\
%   end
</td>
<td role="cell" class="full">\\
%   if entry.model:
{{entry.model}}<small class="muted">{{entry.provider}}</small>\\
%   elif entry.provider:
{{entry.provider}}\\
%   else:
<span class="muted">nobody was asked</span>\\
%   end
</td>
<td role="cell" class="num" data-l="In">{{count(input_tokens(entry))}}</td>
<td role="cell" class="num" data-l="Out">{{count(entry.output_tokens)}}</td>
<td role="cell" class="num">{{duration(entry.duration_ms)}}</td>
<td role="cell" class="num nowrap">{{clock(entry.time)}}</td>
</tr>
% end
</tbody>
</table>
</div>
