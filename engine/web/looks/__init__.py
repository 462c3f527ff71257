"""The pages as HTML: pure functions of a scene. A page is made of pieces with names, which the browser brings up to
date one by one."""
