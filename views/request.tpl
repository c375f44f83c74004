<%
asked = entry.model_requested or 'A request'
rebase('layout.tpl', title=asked, section='requests')
failed = entry.status >= 400
def rows_beside():
    return list(newer) + [entry] + list(older)
end
%>
<div>
<a class="back" href="{{url(list_link)}}">{{icon('back')}} Requests</a>
<div class="head"><h1 class="path">{{asked}}\\
% if entry.model:
 <span class="muted">→</span> {{entry.model}}\\
% end
</h1>
<nav class="row" aria-label="Other requests">
% if newer:
<a class="button" href="{{url('/logs/' + newer[-1].id)}}{{log_query}}">{{icon('back')}} Newer</a>
% end
% if older:
<a class="button" href="{{url('/logs/' + older[0].id)}}{{log_query}}">Older {{icon('next')}}</a>
% end
</nav>
</div>
</div>
<div class="cols left beside-list">
<nav class="card flush others" aria-label="Requests nearby">
<ul>
% for other in rows_beside():
<li><a href="{{url('/logs/' + other.id)}}{{log_query}}"\\
%   if other.id == entry.id:
 aria-current="page"\\
%   end
><span class="row spread"><strong>{{other.model_requested or 'A request'}}</strong>\\
%   if other.status >= 400:
<span class="error">{{other.status}}</span>\\
%   end
</span><span class="row spread small muted"><span>{{other.provider or 'nobody asked'}}</span>{{clock(other.time)}}</span></a></li>
% end
</ul>
</nav>
<div class="stack wide-gap">
% if failed:
<div class="note err">{{icon('error')}}<div>
<p><strong>{{status_words(entry.status)}}.</strong> {{entry.error_message or 'No message was kept.'}}</p>
<p class="muted">Claude Code was told: {{entry.error_type or 'an error'}}, status {{entry.status}}{{', by an error event, as the answer had begun' if entry.stream and entry.first_token_ms is not None else ''}}.</p>
%   if advice.sentence:
<p>{{advice.sentence}}\\
%     if advice.link:
 <a href="{{url(advice.link)}}">{{advice.link_text}}</a>\\
%     end
</p>
%   end
</div></div>
% end
<section class="card" aria-label="Summary">
<dl class="facts two">
<dt>Status</dt><dd>{{status_words(entry.status)}}{{', streamed' if entry.stream else ''}}</dd>
% if entry.stop_reason:
<dt>Stop reason</dt><dd><code>{{entry.stop_reason}}</code></dd>
% end
<dt>Request id</dt><dd><code id="request-id">{{entry.id}}</code> <button type="button" class="button quiet little script" data-copy="request-id" aria-label="Copy the request id">{{icon('copy')}}</button></dd>
<dt>When</dt><dd>{{clock(entry.time)}}</dd>
<dt>User</dt><dd>{{entry.user or 'nobody: no key was needed'}}{{', key ' + entry.key_prefix + '…' if entry.key_prefix else ''}}</dd>
<dt>Provider</dt><dd>\\
% if provider and visitor.is_admin:
<a href="{{url('/provider/edit/%d' % provider.id)}}">{{provider.name}}</a>\\
% else:
{{provider.name if provider else entry.provider or 'none was asked'}}\\
% end
{{' after ' + plural(entry.attempts, 'attempt') if entry.attempts > 1 else ''}}</dd>
% if entry.alias:
<dt>Alias</dt><dd><a href="{{url('/logs' + alias_query)}}">{{entry.alias}}</a></dd>
% end
% if entry.session_id:
<dt>Session</dt><dd><a href="{{url('/logs' + session_query)}}"><code>{{entry.session_id}}</code></a>{{', subagent ' + entry.agent_id if entry.agent_id else ''}}</dd>
% end
<dt>Took</dt><dd>{{duration(entry.duration_ms)}}\\
% if entry.first_token_ms is not None:
, {{duration(entry.first_token_ms)}} to the first word\\
% end
{{time_bar}}\\
% if time_bar:
<span class="legend"><span><i class="f2"></i>waiting</span><span><i class="f1"></i>answering</span></span>\\
% end
</dd>
</dl>
<dl class="numbers">
% about = 'about ' if entry.usage_estimated else ''
<div><dt>Input</dt><dd>{{about}}{{count(entry.input_tokens)}}</dd></div>
<div><dt>Output</dt><dd>{{about}}{{count(entry.output_tokens)}}</dd></div>
<div><dt>Read from cache</dt><dd>{{count(entry.cache_read_tokens)}}</dd></div>
<div><dt>Written to cache</dt><dd>{{count(entry.cache_write_tokens)}}</dd></div>
</dl>
% if entry.usage_estimated:
<p class="hint">The provider told no token counts; these are estimates.</p>
% end
% if entry.notes:
<div><h2>On the way</h2>
<ul class="bullets">
%   for note in entry.notes:
<li>{{note}}</li>
%   end
</ul></div>
% end
</section>
<section class="stack" aria-labelledby="bodies">
<h2 id="bodies">What was sent</h2>
% if not entry.has_bodies:
<div class="note">{{icon('info')}}<div><p>\\
%   if bodies_are_kept == 'none':
Bodies are kept only while full logging is on.\\
%     if visitor.is_admin:
 <a href="{{url('/settings#log_bodies')}}">Turn it on</a>\\
%     end
%   elif bodies_are_kept == 'errors':
Only the bodies of failed requests are kept.\\
%     if visitor.is_admin:
 <a href="{{url('/settings#log_bodies')}}">Keep all</a>\\
%     end
%   else:
The bodies of this request are not kept, or no longer.\\
%   end
</p></div></div>
% else:
<nav class="stations" aria-label="Bodies">
%   for station in stations:
%     shown = station.number in [pane.station.number for pane in panes]
<a class="station" href="{{url(link(body=station.number, view='' if view == 'pretty' else view))}}#bodies"\\
%     if station.number == body:
 aria-current="true"\\
%     end
><strong>{{station.number}} {{station.title}}</strong><span class="small muted">{{station.form}}</span><span class="small muted">{{size(station.size) if station.size else 'nothing'}}</span></a>
%   end
</nav>
<div class="row spread">
<nav class="segments" aria-label="How it is shown">
%   for name, words in (('pretty', 'Pretty'), ('raw', 'Raw'), ('beside', 'Beside')):
<a href="{{url(link(body=body, view='' if name == 'pretty' else name))}}#bodies"\\
%     if name == view:
 aria-current="true"\\
%     end
>{{words}}</a>
%   end
</nav>
</div>
<div class="{{'split' if view == 'beside' else 'stack'}}">
%   for pane in panes:
<div class="stack tight">
<div class="row spread"><h3>{{pane.station.number}} {{pane.station.title}}</h3>
<span class="row"><button type="button" class="button little script" data-copy="body-{{pane.station.number}}">{{icon('copy')}} Copy</button>
<a class="button little" href="{{url('/logs/%s/body/%d' % (entry.id, pane.station.number))}}" download>{{icon('download')}} Download</a></span></div>
%     if pane.is_cut_here:
<p class="hint">Showing 256 kB of {{size(pane.size)}}. <a href="{{url('/logs/%s/body/%d' % (entry.id, pane.station.number))}}" download>Download all</a></p>
%     end
%     if pane.is_cut_in_log:
<p class="hint">Only the first 8 MB of {{size(pane.size)}} were kept.</p>
%     end
<pre class="scroll" id="body-{{pane.station.number}}" tabindex="0" role="group" aria-label="{{pane.station.title}}">{{pane.text or '(empty)'}}</pre>
</div>
%   end
%   if not panes:
<p class="muted">Nothing was sent here.</p>
%   end
</div>
% end
</section>
</div>
</div>
