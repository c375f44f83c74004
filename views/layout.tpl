<%
# The frame of every page. A view opens with
#   rebase('layout.tpl', title='Providers', section='providers')
# and may give bare=True (no rail: login, forced change), wide=True (bare, but broader).
# `errors` (field to sentence) puts "Error:" before the title.
#
# Hooks for app.js, which makes nicer what works without it:
#   data-copy="ID"          button: copy the text of that element (an input's value);
#                           then "Copied". Class `script` hides it without JavaScript.
#   data-show="ID"          button: show or hide that password input; its word changes.
#   data-busy="Testing…"    submit button: its word while the form is sent; a form is
#                           sent once, its buttons get aria-busy.
#   data-insert="TEXT" data-into="ID"   button: put TEXT at the caret of that textarea.
#   data-preview="ID" data-preview-src="PATH"   form: after 400 ms without a key POST its
#                           fields to PATH (query part=preview: the answer is HTML) and
#                           put the answer into the element ID.
#   data-models="PATH" data-models-for="ID"     datalist: filled once from PATH's JSON
#                           {"models": [...]} when an input that lists it gets focus;
#                           ID says "Reading models from …" meanwhile.
#   data-poll="SECONDS" data-src="PATH"   element: its content is fetched anew.
#   commandfor / command="show-modal|close"   opens and closes a dialog; the browser
#                           does it, app.js where the browser cannot.
#   time[datetime]          written in the reader's own time; with data-ago as an age.
#   button[popovertarget]   the browser's own; nothing to do.
%>
% bare = get('bare', False)
<!doctype html>
<html lang="en"\\
% if theme != 'system':
 data-theme="{{theme}}"\\
% end
>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{'Error: ' if errors else ''}}{{title}} · AI Proxy</title>
<link rel="icon" href="{{asset('icon.svg')}}">
<link rel="stylesheet" href="{{asset('app.css')}}">
<script src="{{asset('app.js')}}" defer></script>
</head>
% if bare:
<body class="bare">
<main id="main" tabindex="-1"\\
% if get('wide', False):
 class="wide"\\
% end
>
<div class="brand">{{icon('logo')}} AI Proxy</div>
% include('flashes.tpl')
{{!base}}
</main>
% else:
<body class="shell">
<a class="skip" href="#main">Skip to the content</a>
<header class="bar">
<button type="button" class="icon-button" popovertarget="nav" aria-label="Menu">{{icon('menu')}}</button>
<a class="brand" href="{{url('/')}}">{{icon('logo')}} AI Proxy</a>
</header>
<nav class="rail" id="nav" popover aria-label="Pages">
<div>
<a class="brand" href="{{url('/')}}">{{icon('logo')}} AI Proxy</a>
% for group in navigation:
%   links = [link for link in group if visitor.is_admin or not link.admin_only]
%   if links:
<ul>
%     for link in links:
<li><a href="{{url(link.path)}}"\\
%       if link.section == get('section', ''):
 aria-current="page"\\
%       end
>{{icon(link.section)}}{{link.text}}\\
%       number = count_failing() if link.section == 'providers' else 0
%       if number:
<span class="badge err">{{number}} failing</span>\\
%       end
</a></li>
%     end
</ul>
%   end
% end
<div class="rail-foot">
% if user:
<form class="line" method="post" action="{{url('/logout')}}">
<input type="hidden" name="csrf_token" value="{{csrf_token}}">
<strong>{{user.username}}</strong>
<button class="button quiet">Log out</button>
</form>
% end
<div class="line">AI Proxy {{version}}</div>
</div>
</div>
</nav>
<main id="main" tabindex="-1">
% include('flashes.tpl')
{{!base}}
</main>
% end
</body>
</html>
