#!/usr/bin/env python3
"""Turns the runbook into a page whose headings are anchors: runbook.py CMARK RUNBOOK.md OUTPUT.html

The page needs nothing else: no script, no other file. The links of the alerts lead to its anchors, which are the
headings in lower case, as other readers of Markdown make them too."""
import pathlib
import re
import subprocess
import sys

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Runbook</title>
<style>
:root {{ color-scheme: light dark }}
body {{ max-width: 48rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; background: Canvas; color: CanvasText }}
table {{ border-collapse: collapse }}
th, td {{ padding: .2rem .6rem; border: 1px solid #8886; text-align: left }}
a {{ color: inherit }}
pre {{ padding: .6rem; overflow-x: auto; background: #8882 }}
h2 {{ margin-top: 3rem }}
h2:target {{ padding-left: .6rem; border-left: .4rem solid #d33 }}
</style>
</head>
<body>
{body}</body>
</html>
"""


def anchored(heading):
    name = re.sub(r"[^\w\- ]", "", re.sub(r"<[^>]*>", "", heading[1])).strip().lower().replace(" ", "-")
    return f'<h2 id="{name}">{heading[1]}</h2>'


cmark, source, target = sys.argv[1:4]
html = subprocess.run([cmark, "--extension", "table", source], stdout=subprocess.PIPE, check=True, text=True, encoding="utf-8")
body = re.sub(r"<h2>(.*?)</h2>", anchored, html.stdout)
body = body.replace("<pre>", '<pre tabindex="0">')  # so that the keyboard can scroll it
pathlib.Path(target).write_text(PAGE.format(body=body), encoding="utf-8")
