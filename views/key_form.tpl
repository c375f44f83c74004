<%
# Make a personal key: action.
%>
<form class="filters" method="post" action="{{url(action)}}" novalidate>
% include('csrf.tpl')
% include('field.tpl', field_id='key-name', name='name', label='Name', value='', placeholder='laptop')
% include('field.tpl', field_id='key-days', name='expires_in_days', label='Expires in days', value='', kind='number', optional=True, placeholder='never')
<button class="button" data-busy="Making…">Make a key</button>
</form>
