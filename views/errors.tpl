<%
# What is wrong with the form, first and focused; each line leads to its field.
# `errors`: field to sentence; `anchors`: field to the id of its input, where they differ.
%>
% if errors:
<div class="summary" id="problem" role="alert" tabindex="-1" autofocus>
<h2>There is a problem</h2>
<ul>
% for name, sentence in errors.items():
<li><a href="#{{get('anchors', {}).get(name, name)}}">{{sentence}}</a></li>
% end
</ul>
</div>
% end
