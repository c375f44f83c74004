<%
# What is wrong with the form, first and focused; each line leads to its field.
# `errors`: field to sentence; `anchors`: field to the id of its input, where they differ;
# `problem_id`: its own id, where a form's action ends in #id (which stops autofocus).
%>
% if errors:
<div class="summary" id="{{get('problem_id', 'problem')}}" role="alert" tabindex="-1" autofocus>
<h2>There is a problem</h2>
<ul>
% for name, sentence in errors.items():
<li><a href="#{{get('anchors', {}).get(name, name)}}">{{sentence}}</a></li>
% end
</ul>
</div>
% end
