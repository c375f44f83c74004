<%
is_new = not provider.id
title = 'New provider' if is_new else provider.name
action = '/provider/new' if is_new else '/provider/edit/%d' % provider.id
local = ', or for a server on this machine http://127.0.0.1:11434/v1' if preset.slug == 'other' else ''
rare = ('slug', 'auth_method', 'auth_header', 'custom_headers', 'http_proxy', 'ca_file', 'enabled')
rare_models = ('model_map', 'extra_body', 'max_output_tokens', 'context_window', 'dialect', 'compat', 'send_reasoning', 'fallback')
rebase('layout.tpl', title=title, section='providers')
%>
<div>
<a class="back" href="{{url('/providers')}}">{{icon('back')}} Providers</a>
<div class="head"><h1>{{title}}</h1>
% if provider.active:
<span class="badge active">{{icon('check')}}Active</span>
% end
</div>
</div>
% include('errors.tpl', problem_id='verdict')
<div class="cols">
<form class="form parts" method="post" action="{{url(action)}}" novalidate>
% include('csrf.tpl')
<input type="hidden" name="form_id" value="{{form_id}}">
<input type="hidden" name="preset" value="{{preset.slug}}">
% if not is_new:
<input type="hidden" name="id" value="{{provider.id}}">
% end

<div class="card part" id="which">
<h2>Which provider?</h2>
% if cards:
<nav class="choices" aria-label="Known providers">
% for card in cards:
<a class="choice" href="{{url(card['path'])}}"\\
%   if card['is_chosen']:
 aria-current="true"\\
%   end
><strong>{{card['preset'].name}}</strong><small>{{card['preset'].note}}</small></a>
% end
</nav>
% end
% include('field.tpl', name='name', label='Name', value=values['name'], placeholder='' if preset.slug != 'other' else 'My server')
</div>

<div class="card part" id="key">
<h2>Key and address</h2>
% include('secret.tpl', name='api_key', label='API key', state=key_state, optional=preset.slug == 'other', hint=('It looks like %s Pasted spaces and "Bearer" are cut off.' % preset.key_example if preset.key_example else 'A local server may need none.' if preset.slug == 'other' else ''))
% include('field.tpl', name='endpoint', label='Endpoint', value=values['endpoint'], kind='url', mono=True, placeholder='https://api.example.com/v1', hint='As the provider documents it' + local + '.')
% for warning in warnings:
% include('note.tpl', kind='warn', text=warning)
% end
% include('field.tpl', name='api_format', label='Format', kind='select', value=values['api_format'], options=[('openai', 'Chat Completions (OpenAI and most others)'), ('anthropic', 'Messages (Anthropic and compatible)')])
<details\\
% if any(name in errors for name in rare):
 open\\
% end
>
<summary>Path, headers, network</summary>
<div class="stack">
% include('field.tpl', name='slug', label='Path', value=values['slug'], optional=True, mono=True, placeholder='made from the name', hint='The last part of the base URL. Lower-case letters, digits, dots, hyphens.')
% include('field.tpl', name='auth_method', label='How the key is sent', kind='select', value=values['auth_method'], options=[('bearer', 'Authorization: Bearer'), ('basic', 'Authorization: Basic (user:password)'), ('header', 'A header of its own')])
% include('field.tpl', name='auth_header', label='Name of that header', value=values['auth_header'], placeholder='x-api-key', when='is-header')
% include('field.tpl', name='custom_headers', label='Further headers', value=values['custom_headers'], kind='area', rows=2, mono=True, optional=True, placeholder='X-Title: AI Proxy', hint='One a line. Values of headers named like secrets are shown masked; leave a mask to keep its value.')
% include('field.tpl', name='http_proxy', label='HTTP proxy', value=values['http_proxy'], optional=True, mono=True, placeholder='http://proxy:3128', hint='Empty: as the environment says. none: no proxy.')
% include('field.tpl', name='ca_file', label='Certificate file', value=values['ca_file'], optional=True, mono=True, hint='PEM file on the server with the authority that signed the provider\'s certificate.')
% include('toggle.tpl', name='enabled', label='On', checked=values['enabled'], hint='Off: requests for this provider are refused.')
</div>
</details>
</div>

<div class="card part" id="models">
<h2>Which models stand in?</h2>
<p class="hint">Claude Code asks for Haiku, Sonnet or Opus. Name the provider's model for each; whatever stays empty is asked for as it came.\\
% if not is_new:
 <span id="models-state" role="status"></span>\\
% end
</p>
<datalist id="model-ids"\\
% if not is_new:
 data-models="{{url('/provider/models/%d' % provider.id)}}" data-models-for="models-state" data-models-name="{{provider.name}}"\\
% end
>
% for model in get('model_ids', []):
<option value="{{model}}"></option>
% end
</datalist>
% include('field.tpl', name='model_haiku', label='Haiku', value=values['model_haiku'], placeholder=preset.haiku, list='model-ids', hint='Small and fast: titles, summaries, quick searches.')
% include('field.tpl', name='model_sonnet', label='Sonnet', value=values['model_sonnet'], placeholder=preset.sonnet, list='model-ids', hint='Everyday work.')
% include('field.tpl', name='model_opus', label='Opus', value=values['model_opus'], placeholder=preset.opus, list='model-ids', hint='The hard problems.')
% include('field.tpl', name='default_model', label='All others', value=values['default_model'], optional=True, list='model-ids', hint='For Claude names that are none of the three.')
<details\\
% if any(name in errors for name in rare_models):
 open\\
% end
>
<summary>Map, limits, dialect, fallback</summary>
<div class="stack">
% include('field.tpl', name='model_map', label='Model map', value=values['model_map'], kind='area', rows=3, mono=True, optional=True, placeholder='{"claude-opus-*": "gpt-5.1"}', hint='A JSON object from asked name to the provider\'s name; * stands for anything. It goes before the fields above.')
<div class="pair">
% include('field.tpl', name='max_output_tokens', label='Most output tokens', value=values['max_output_tokens'], kind='number', optional=True, hint='Empty: no cap.')
% include('field.tpl', name='context_window', label='Context window', value=values['context_window'], kind='number', optional=True, hint='In tokens. Empty: unknown.')
</div>
% include('field.tpl', name='extra_body', label='Extra body', value=values['extra_body'], kind='area', rows=3, mono=True, optional=True, placeholder='{"provider": {"sort": "throughput"}}', hint='A JSON object merged into every request.')
% include('field.tpl', name='dialect', label='Dialect', kind='select', value=values['dialect'], when='is-openai', hint='Which variant of Chat Completions the endpoint speaks.', options=[(name, 'Auto: by the endpoint\'s host' if name == 'auto' else name) for name in dialects])
% include('field.tpl', name='compat', label='Compatibility', kind='select', value=values['compat'], when='is-anthropic', hint='What of Anthropic\'s newest fields goes up.', options=[('auto', 'Auto: full for Anthropic itself, else strict'), ('full', 'Full: everything as it came'), ('strict', 'Strict: the stable API alone')])
% include('field.tpl', name='send_reasoning', label='Give reasoning back', kind='select', value=values['send_reasoning'], hint='Whether the model sees its own earlier reasoning again.', options=[('auto', 'Auto'), ('always', 'Always'), ('never', 'Never')])
% include('field.tpl', name='fallback', label='Fallback', kind='select', value=values['fallback'], hint='Asked when this provider gives no answer.', options=[('', 'None')] + [(p.slug, p.name) for p in others])
</div>
</details>
</div>

<div class="card part" id="test">
<h2>Test and save</h2>
% if verdict:
<div id="verdict" class="stack tight" role="status" tabindex="-1">
% include('note.tpl', kind='ok' if verdict.ok else 'err', text=verdict.message)
% if verdict.suggested_endpoint:
<p><button class="button" name="suggested_endpoint" value="{{verdict.suggested_endpoint}}" formaction="{{url('/provider/test')}}#verdict" data-busy="Testing…">Use {{verdict.suggested_endpoint}}</button></p>
% end
</div>
% end
% if not provider.active:
%   if is_new and will_activate:
<p class="hint">It becomes the active provider, the one that answers where no alias names one.</p>
%   else:
% include('toggle.tpl', name='activate', label='Make this the active provider', checked=activate, hint='It then answers where no alias names one.')
%   end
% end
<div class="actions">
<button class="button primary" data-busy="Saving…">Save provider</button>
<button class="button" formaction="{{url('/provider/test')}}#verdict" data-busy="Testing…">Test</button>
<a class="button quiet" href="{{url('/providers')}}">Cancel</a>
</div>
</div>
</form>

<aside class="stack sticky">
<div class="card">
<h2>You will use it as</h2>
<div class="code narrow"><pre id="base-url" tabindex="0">{{breakable(base_url)}}</pre><button type="button" class="button little script" data-copy="base-url">{{icon('copy')}} Copy</button></div>
<p class="hint">The base URL for Claude Code. <a href="{{url('/connect')}}">Connect</a> has the lines for each shell.</p>
</div>
<p class="hint">The test sends one short message with one tool: about 60 tokens on your account.</p>
% if not is_new:
<div class="card">
<h2>Delete</h2>
<p class="hint">{{consequences}}</p>
<div>
% include('confirm.tpl', dialog_id='delete-provider', trigger='Delete provider', question='Delete ' + provider.name + '?', text=consequences, action='/provider/delete/%d' % provider.id, safe='Keep it', danger='Delete provider')
</div>
</div>
% end
</aside>
</div>
