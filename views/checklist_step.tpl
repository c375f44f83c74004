<%
# The controls of the step that is open.
waiting = [p for p in key_candidates]
problem = (get('setup_errors') or {}).get('errors', {}).get('api_key', '')
chosen = (get('setup_errors') or {}).get('provider_id', provider.id if provider else None)
%>
% if step.name == 'provider' or (step.name == 'test' and provider and provider.test_kind not in ('', 'ok')):
%   if step.name == 'test':
<div class="note err">{{icon('error')}}<div><p>{{provider.test_message}} <a href="{{url('/provider/edit/%d' % provider.id)}}">Edit {{provider.name}}</a></p></div></div>
<form class="actions" method="post" action="{{url('/setup/test')}}">
% include('csrf.tpl')
<input type="hidden" name="provider_id" value="{{provider.id}}">
<button class="button" data-busy="Testing…">Test it again</button>
</form>
%   end
<form class="stack" method="post" action="{{url('/setup/key')}}" novalidate>
% include('csrf.tpl')
<div class="field"><label for="setup-provider">Provider</label>
<select id="setup-provider" name="provider_id">
%   for candidate in waiting:
<option value="{{candidate.id}}"\\
%     if candidate.id == chosen:
 selected\\
%     end
>{{candidate.name}}</option>
%   end
</select></div>
<div class="field{{' bad' if problem else ''}}"><label for="setup-api-key">Its API key</label>
%   if problem:
<p class="error" id="setup-api-key-error">{{icon('error')}}{{problem}}</p>
%   end
<div class="secret"><input id="setup-api-key" name="api_key" type="password" autocomplete="off" autocapitalize="none" spellcheck="false"\\
%   if problem:
 aria-invalid="true" aria-describedby="setup-api-key-error" autofocus\\
%   end
>
<button type="button" class="button script" data-show="setup-api-key" aria-label="Show the key">Show</button></div></div>
<div class="actions"><button class="button primary" data-busy="Testing…">Save and test</button>
<a href="{{url('/provider/new')}}">Another provider or a local server</a></div>
<p class="hint">The test sends one short message with one tool: about 60 tokens on your account.</p>
</form>
% elif step.name == 'test' and provider:
<form class="actions" method="post" action="{{url('/setup/test')}}">
% include('csrf.tpl')
<input type="hidden" name="provider_id" value="{{provider.id}}">
<button class="button primary" data-busy="Testing…">Test {{provider.name}}</button>
<span class="hint">One short message with one tool: about 60 tokens on your account.</span>
</form>
% elif step.name == 'tell':
<form class="actions" method="post" action="{{url('/setup/personal-key')}}">
% include('csrf.tpl')
<button class="button primary" data-busy="Making…">Make a key for Claude Code</button>
%   if not key_needed:
<span class="hint">On this machine it works without one, too: <a href="{{url('/connect')}}">see the lines</a>.</span>
%   end
</form>
% elif step.name == 'arrive':
%   if entry and entry.status >= 400:
<div class="note warn">{{icon('alert')}}<div><p>A request came, but failed: {{status_words(entry.status)}}. <a href="{{url('/logs/' + entry.id)}}">See what happened</a></p></div></div>
%   end
<p>Waiting for Claude Code… Type anything into it.<span class="script"> This page updates by itself.</span></p>
<details id="setup-nothing"><summary>Nothing arrives?</summary>
<ul class="steps">
<li>Were the lines pasted before claude was started, into the same terminal?</li>
<li>What does <code>echo $ANTHROPIC_BASE_URL</code> print? It must begin with <code>{{active_url}}</code>.</li>
<li>Does it run on another machine or in a container? Then <code>localhost</code> is not this one.</li>
</ul>
<p><a href="{{url('/help#nothing')}}">More to check</a>, and <a href="{{url('/connect')}}">the lines again</a></p>
</details>
% end
