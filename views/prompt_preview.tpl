<p class="hint">{{count(tokens)}} tokens to <strong>{{model}}</strong>. What the template does not say itself is marked.</p>
<pre class="preview" tabindex="0" aria-label="Preview">\\
% for line in preview_lines:
%   if line.kind:
<mark>{{line.text}}</mark>
%   else:
{{line.text}}
%   end
% end
</pre>
<details>
<summary>What changed</summary>
<div class="stack">
<p class="hint">Against Claude Code's own prompt: removed lines struck out, new ones underlined.</p>
<pre class="preview" tabindex="0" aria-label="What changed">\\
% for line in differences:
%   if line.kind == 'del':
<del>{{line.text}}</del>
%   elif line.kind == 'ins':
<ins>{{line.text}}</ins>
%   else:
{{line.text}}
%   end
% end
</pre>
</div>
</details>
