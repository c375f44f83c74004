% rebase('layout.tpl', title='Restarting', bare=True)
<div class="card" data-return="{{address}}" data-ready="{{url('/ready')}}">
<h1>Restarting</h1>
<p role="status">Running requests are finished first; then the server starts with the saved settings.</p>
<p>It will be at <a href="{{address}}">{{address}}</a></p>
</div>
