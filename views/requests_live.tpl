<div id="live-new" data-live\\
% if number:
 data-say="{{plural(number, 'new request')}}"\\
% else:
 hidden\\
% end
>
% if number:
<div class="note">{{icon('info')}}<div><p>{{count(number)}} new – <a href="{{url(link)}}">show</a></p></div></div>
% end
</div>
