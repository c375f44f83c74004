<%
# A key that was just made, shown once: new_key (name, key, snippets), whose.
%>
<div class="card" id="new-key">
<h2>{{icon('check')}} The key {{new_key['name']}} is made</h2>
<p><strong>This key is shown only now.</strong> Make another at any time{{get('where', '')}}.</p>
% include('code.tpl', code_id='key-itself', text=new_key['key'], label='The new key')
<p>These lines start Claude Code with it, in bash or zsh:</p>
% include('code.tpl', code_id='key-bash', text=new_key['snippets']['bash'], label='Lines for bash and zsh')
<details>
<summary>fish, PowerShell, settings.json</summary>
<div class="stack">
<h3>fish</h3>
% include('code.tpl', code_id='key-fish', text=new_key['snippets']['fish'], label='Lines for fish')
<h3>PowerShell</h3>
% include('code.tpl', code_id='key-powershell', text=new_key['snippets']['powershell'], label='Lines for PowerShell')
<h3>~/.claude/settings.json</h3>
% include('code.tpl', code_id='key-settings', text=new_key['snippets']['settings_json'], json=True, label='settings.json')
</div>
</details>
</div>
