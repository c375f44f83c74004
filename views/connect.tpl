% rebase('layout.tpl', title='Connect', section='connect')
<div class="head"><h1>Connect Claude Code</h1>
<p>Set these before claude starts. Each terminal, project or editor may use another base URL.</p>
<p>\\
% if last:
The last request, <a href="{{url('/logs/' + last.id)}}">{{last.model_requested or 'without a model'}}</a>, came {{ago(last.time, now)}} and \\
%   if last.status < 400:
was answered{{' by ' + last.provider if last.provider else ''}}.\\
%   else:
failed: {{status_words(last.status)}}.\\
%   end
% else:
No request has come yet. <a href="{{url('/help#nothing')}}">Nothing arrives?</a>\\
% end
</p>
</div>
<div class="stack column">
<div class="card">
<form class="row" method="get" action="{{url('/connect')}}">
<input type="hidden" name="shell" value="{{shell}}">
<div class="field grow"><label for="alias">Who answers</label>
<select id="alias" name="alias">
% for choice in targets:
<option value="{{choice.name}}"\\
%   if choice.name == target.name:
 selected\\
%   end
>{{choice.words}}</option>
% end
</select></div>
<button class="button end">Show lines</button>
</form>
<nav class="segments" aria-label="Where it goes">
% for name, label in shells.items():
<a href="{{url(shell_links[name])}}"\\
%   if name == shell:
 aria-current="page"\\
%   end
>{{label}}</a>
% end
</nav>
% include('code.tpl', code_id='lines', text=snippet, label='Lines for ' + shells[shell], json=shell in ('settings_json', 'vscode'))
<p class="hint">{{place}}</p>
% if target.provider and visitor.is_admin and not target.provider.context_window:
<p class="hint">The context window of {{target.provider.name}} is not known here. <a href="{{url('/provider/edit/%d' % target.provider.id)}}">Set it</a>, and the lines tell Claude Code when to compact.</p>
% end
% if needs_key:
%   if own_keys:
<p>In place of <code>aip_YOUR_KEY</code> goes one of your keys: {{', '.join('%s (%s…)' % (key.name, key.prefix) for key in own_keys[:3])}}. A key is shown only when it is made. <a href="{{url('/profile')}}">Make another</a></p>
%   else:
<div class="note warn">{{icon('alert')}}<div><p>You have no key yet, and one is needed here. <a href="{{url('/profile')}}">Make a key</a></p></div></div>
%   end
% else:
<p class="muted">On this machine no key is needed. With a key of your own in place of <code>local</code>, requests are logged under your name. <a href="{{url('/profile')}}">Make a key</a></p>
% end
</div>
<details class="card" id="more"\\
% if chosen:
 open\\
% end
>
<summary>Further variables</summary>
<form class="form" method="get" action="{{url('/connect')}}">
<input type="hidden" name="alias" value="{{target.name}}">
<input type="hidden" name="shell" value="{{shell}}">
<input type="hidden" name="chosen" value="1">
<div class="stack">
% for option in offered:
<div class="toggle">
<input type="checkbox" id="with-{{option.key}}" name="with" value="{{option.key}}"\\
%   if option.key in chosen:
 checked\\
%   end
 aria-describedby="with-{{option.key}}-hint">
<label for="with-{{option.key}}">{{option.why}}</label>
<p class="hint" id="with-{{option.key}}-hint">\\
%   for name, value in option.variables.items():
<code>{{name}}={{value}}</code> \\
%   end
</p>
</div>
% end
<div class="toggle">
<input type="checkbox" id="with-noproxy" name="with" value="noproxy"\\
% if 'NO_PROXY' in connection.env:
 checked\\
% end
 aria-describedby="with-noproxy-hint">
<label for="with-noproxy">Your terminal uses a web proxy that cannot reach this server.</label>
<p class="hint" id="with-noproxy-hint"><code>NO_PROXY</code></p>
</div>
</div>
<div class="actions"><button class="button">Show lines</button></div>
</form>
</details>
</div>
