#!/bin/sh
# Prints the commit of the sources: of the archive that they come from, where `git archive` has put it
# into the next line, and otherwise of the work tree.
# shellcheck disable=SC2016 # git replaces it, not the shell
archived='$Format:%h$'
# shellcheck disable=SC2016
case $archived in
'$Format'*) exec git -C "$(dirname "$0")" rev-parse --short HEAD ;;
*) echo "$archived" ;;
esac
