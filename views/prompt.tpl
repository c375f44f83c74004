% rebase('layout.tpl', title='System prompt', section='prompt')
<div class="head"><h1>System prompt</h1>
<p>Replaces Claude Code's own system prompt at addresses that end in <code class="nowrap">-custom</code>, and for aliases that say so. All other addresses stay untouched.</p>
</div>
% include('errors.tpl')
<form class="form" method="post" action="{{url('/prompt-config')}}" novalidate data-preview="preview" data-preview-src="{{url('/prompt-config/preview?part=preview')}}">
% include('csrf.tpl')
<div class="cols even">
<div class="card">
% include('toggle.tpl', name='use_custom_prompt', label=with_code('Use this prompt at addresses that end in `-custom`'), checked=config.use_custom_prompt, hint='Off: those addresses answer too, with Claude Code\'s own prompt.')
<div class="stack tight">
% include('field.tpl', name='prompt_template', label='Template', value=config.prompt_template, kind='area', rows=14, mono=True, hint='About %s tokens, sent with every request.' % count(template_tokens))
<div class="row script" role="group" aria-label="Insert a placeholder">
% for text, meaning in placeholders:
<button type="button" class="button little" data-insert="{{text}}" data-into="prompt_template" title="{{meaning}}"><code>{{text}}</code></button>
% end
</div>
<details>
<summary>What the placeholders stand for</summary>
<dl class="facts">
% for text, meaning in placeholders:
<dt><code>{{text}}</code></dt><dd>{{meaning}}</dd>
% end
</dl>
</details>
</div>
% include('field.tpl', name='system_name', label='The assistant\'s name', value=config.system_name, optional=True, placeholder='Ada', hint='“You are …” says this name.')
% include('field.tpl', name='model_name_override', label='The model\'s name', value=config.model_name_override, optional=True, placeholder=model, hint='Empty: the name of the model that answers.')
% include('toggle.tpl', name='remove_ai_references', label='Remove names of AI companies and products', checked=config.remove_ai_references, hint='“Claude”, “GPT-5”, “Anthropic” and the like become “the assistant” or “the provider”. Code, paths and file names such as CLAUDE.md stay.')
% include('toggle.tpl', name='remove_defensive_restrictions', label='Remove the security-testing paragraphs', checked=config.remove_defensive_restrictions, hint='Cuts whole paragraphs that begin “IMPORTANT:” and speak of defensive or authorized security work or of malicious use. Nothing else.')
<div class="actions">
<button class="button primary" data-busy="Saving…">Save prompt</button>
<button class="button" formaction="{{url('/prompt-config/preview')}}#preview" data-busy="Rendering…">Preview</button>
</div>
% if config.prompt_template != default_template:
<details>
<summary>Back to the default</summary>
<div class="stack">
<p>Your template is replaced by the one that comes with AI Proxy and is not kept.</p>
<div><button class="button danger" name="restore_default" value="1">Replace my template</button></div>
</div>
</details>
% end
</div>
<div class="card">
<h2>Preview</h2>
<div class="stack" id="preview" tabindex="-1">
% include('prompt_preview.tpl')
</div>
<details\\
% if system != example_system:
 open\\
% end
>
<summary>Try it with another prompt of Claude Code</summary>
<div class="stack">
% include('field.tpl', name='system', label='What Claude Code sends', value=system, kind='area', rows=8, mono=True, hint='An example; it is not saved.')
</div>
</details>
</div>
</div>
</form>
