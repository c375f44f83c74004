<%
# The first ten minutes. The step that is open holds its controls; a new key is shown
# in the one answer that knows it, and data-stage keeps the script from swapping it away.
%>
<section id="setup" data-live data-stage="{{setup.stage if setup else ''}}"\\
% if setup:
 class="card" aria-labelledby="setup-title"\\
%   if setup.is_complete and setup.entry:
 data-say="It works. {{setup.entry.model or 'The model'}} answered."\\
%   end
% else:
 hidden\\
% end
>
% if setup:
%   entry, provider = setup.entry, setup.provider
<div class="card-head"><h2 id="setup-title">Get Claude Code running</h2><span class="row"><span class="muted small">{{setup.done}} of {{len(setup.steps)}} done</span>
<form method="post" action="{{url('/checklist')}}">
% include('csrf.tpl')
<input type="hidden" name="hidden" value="1">
<button class="button quiet little">Hide this list</button>
</form></span></div>
%   if setup.is_complete:
<div class="note ok">{{icon('check')}}<div><p><strong>It works.</strong> {{entry.model or 'The model'}} answered through {{setup.answered_by}} in {{duration(entry.duration_ms)}}. <a href="{{url('/logs/' + entry.id)}}">Look at the request</a></p></div></div>
%   else:
<ol class="checklist">
%     for step in setup.steps:
<li class="{{step.state}}"\\
%       if step.state == 'now':
 aria-current="step"\\
%       end
><div>\\
%       if step.state == 'now':
<strong>{{step.title}}</strong>\\
%       else:
{{step.title}}{{' – ' + step.fact if step.fact and step.state == 'done' else ''}}\\
%       end
%       if step.state == 'done':
<span class="hidden"> (done)</span>\\
%       end
</div>
%       if step.name == 'tell' and get('new_key'):
<p>Paste these lines into a terminal:</p>
% include('code.tpl', code_id='setup-lines', text=new_key['snippet'], label='Lines for the terminal')
<p class="hint">This key is shown only now. Make another at any time under <a href="{{url('/profile')}}">Profile &amp; keys</a>; <a href="{{url('/connect')}}">Connect</a> has the lines for fish, PowerShell, cmd, settings.json and VS Code.</p>
%       elif step.state == 'now':
%         include('checklist_step.tpl', step=step, provider=provider, entry=entry)
%       end
</li>
%     end
</ol>
%   end
% end
</section>
