% rebase('layout.tpl', title='Help', section='help')
<div class="head"><h1>Help</h1></div>
<div class="stack column">
<section class="card" id="nothing" aria-labelledby="nothing-title">
<h2 id="nothing-title">Nothing arrives?</h2>
<ol class="steps">
<li><strong>Were the variables set before claude started?</strong> A running claude does not see them. Leave it, paste the lines, start it again in the same terminal.</li>
<li><strong>What does the terminal say?</strong> <code>echo $ANTHROPIC_BASE_URL</code> in bash, zsh and fish, <code>echo $env:ANTHROPIC_BASE_URL</code> in PowerShell, <code>echo %ANTHROPIC_BASE_URL%</code> in cmd. It must be one of the base URLs on this page. An <code>env</code> block in <code>~/.claude/settings.json</code> goes before the terminal’s variables.</li>
<li><strong>Can the terminal reach this server?</strong> <code>curl {{origin}}/health</code> must answer “healthy”. In a container, WSL or on another machine, <code>localhost</code> is not this one: use its address, and let the server listen on it under Settings.</li>
<li><strong>Is a web proxy in between?</strong> If <code>HTTPS_PROXY</code> or <code>HTTP_PROXY</code> is set, add this server’s host to <code>NO_PROXY</code>.</li>
<li><strong>Does claude ask you to log in?</strong> Then <code>ANTHROPIC_AUTH_TOKEN</code> is not set. {{'It must hold one of your keys.' if needs_key else 'On this machine any word will do, such as local.'}}</li>
</ol>
</section>
<section class="card" aria-labelledby="errors-title">
<h2 id="errors-title">It answers, but with an error</h2>
<dl class="terms">
<dt>401</dt><dd>The key in <code>ANTHROPIC_AUTH_TOKEN</code> is wrong, expired or revoked, or the provider refuses its own key. The message says which.</dd>
<dt>404</dt><dd>No alias or provider has the name in your base URL, or the provider has no such model.</dd>
<dt>400 “prompt is too long”</dt><dd>The model’s context window is full: <code>/compact</code> in Claude Code. Set the provider’s context window, and Claude Code does it in time.</dd>
<dt>429, 529</dt><dd>The provider, or this server’s own rate limit, asks to wait. Claude Code repeats the request by itself.</dd>
<dt>502, 504</dt><dd>The provider did not answer, or with something unusable.</dd>
</dl>
<p>Every request is under <a href="{{url('/logs?status=failed')}}">Requests</a>, with what the provider said and what Claude Code was told.</p>
</section>
<section class="card" aria-labelledby="tools-title">
<h2 id="tools-title">It answers, but works badly</h2>
<ul class="steps">
<li><strong>It only talks and edits nothing.</strong> The model does not call tools. Choose another one; the provider’s Test says whether it does.</li>
<li><strong>A small model never finds its tools.</strong> Set <code>ENABLE_TOOL_SEARCH=0</code>.</li>
<li><strong>A local model is cut off after five minutes.</strong> Set <code>API_TIMEOUT_MS</code> and <code>CLAUDE_STREAM_IDLE_TIMEOUT_MS</code>; <a href="{{url('/connect')}}">Connect</a> writes both.</li>
<li><strong>The /model menu lacks your providers.</strong> Set <code>CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY=1</code>.</li>
</ul>
</section>
<section class="card" aria-labelledby="urls-title">
<h2 id="urls-title">Base URLs</h2>
<dl class="terms">
% for target, address in rows:
<dt>{{target.words}}</dt><dd><code>{{address}}</code></dd>
% end
</dl>
<p><a href="{{url('/connect')}}">The lines for every shell</a></p>
</section>
<section class="card" aria-labelledby="list-title">
<h2 id="list-title">First steps</h2>
<form class="row spread" method="post" action="{{url('/checklist')}}">
% include('csrf.tpl')
<p>The list on the Dashboard leads from a provider’s key to the first request.</p>
<button class="button">Show the list again</button>
</form>
</section>
</div>
