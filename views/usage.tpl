% rebase('layout.tpl', title='Usage', section='usage')
<div class="head"><h1>Usage</h1>
<nav class="segments" aria-label="Range">
% for name, words in periods.items():
<a href="{{url(link(range=name, since='', until=''))}}"\\
%   if name == period:
 aria-current="page"\\
%   end
>{{words}}</a>
% end
</nav>
</div>
<form class="row spread" method="get" action="{{url('/usage')}}">
<input type="hidden" name="range" value="{{period}}">
<fieldset class="range"><legend class="hidden">Add up by</legend>
% for name, words in group_words.items():
%   if name != 'user' or visitor.is_admin:
<label><input type="checkbox" name="group_by" value="{{name}}"\\
%     if name in groups:
 checked\\
%     end
>{{words}}</label>
%   end
% end
<button class="button little">Add up</button>
</fieldset>
<a class="button" href="{{url(link(format='csv'))}}" download>{{icon('download')}} CSV</a>
</form>
% if not total.requests:
<div class="card"><div class="empty"><strong>Nothing was used</strong><p>No request came in this time.</p>\\
%   if period != 'all':
<a class="button" href="{{url(link(range='all'))}}">Show all</a>\\
%   else:
<a class="button" href="{{url('/connect')}}">Connect Claude Code</a>\\
%   end
</div></div>
% else:
<div class="card flush">
<div class="sideways" tabindex="0" role="group" aria-label="Usage">
<table class="table{{' many' if len(groups) > 2 else ''}}" role="table">
<caption class="hidden">Usage by {{', '.join(group_words[name] for name in groups) or 'nothing'}}</caption>
<thead role="rowgroup"><tr role="row">
%   for name in groups:
<th role="columnheader" scope="col">{{group_words[name]}}</th>
%   end
%   if not groups:
<th role="columnheader" scope="col"><span class="hidden">All</span></th>
%   end
%   for _, words in counts:
<th role="columnheader" scope="col" class="num">{{words}}</th>
%   end
</tr></thead>
<tbody role="rowgroup">
%   for row in rows:
<tr role="row">
%     for place, name in enumerate(groups or ('',)):
%       value = row.group.get(name, '')
%       shown = (value[:8] if name == 'session' else value) or ('none' if name else 'All')
%       path = '/logs' + encode({name: value, 'range': 'all'}) if name == 'session' and value else ''
%       if place == 0:
<th role="rowheader" scope="row" class="subject{{' nowrap' if name == 'day' else ''}}">\\
%       else:
<td role="cell" class="full subject">\\
%       end
%       if path:
<a href="{{url(path)}}" title="{{value}}">{{shown}}</a>\\
%       else:
{{shown}}\\
%       end
</{{'th' if place == 0 else 'td'}}>
%     end
%     for name, words in counts:
%       value = getattr(row, name)
<td role="cell" class="num" data-l="{{words}}">{{count(value)}}</td>
%     end
</tr>
%   end
</tbody>
%   if len(rows) > 1:
<tfoot role="rowgroup"><tr role="row">
<th role="rowheader" scope="row" class="subject" colspan="{{max(1, len(groups))}}">Total</th>
%     for name, words in counts:
<td role="cell" class="num" data-l="{{words}}">{{count(getattr(total, name))}}</td>
%     end
</tr></tfoot>
%   end
</table>
</div>
</div>
%   if hidden_rows:
<p class="muted">{{count(hidden_rows)}} more rows are in the export.</p>
%   end
<p class="hint">Days are UTC. A request that failed counts too; its tokens are what the provider told.</p>
% end
