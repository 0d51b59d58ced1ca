#!/bin/sh
# Prints the commit of the sources: of the archive that they come from, where `git archive` has put it
# into the next line, and otherwise of the work tree. An image is built without git, from the few files
# of it that say which commit it is (../git); then the name is as long as git's usual short one.
# shellcheck disable=SC2016 # git replaces it, not the shell
set -e
archived='$Format:%h$'
# shellcheck disable=SC2016
case $archived in
'$Format'*) ;;
*) echo "$archived" && exit ;;
esac
cd "$(dirname "$0")"
if [ ! -f ../git/HEAD ]; then
    exec git rev-parse --short HEAD
fi
cd ../git
head=$(cat HEAD)
name=${head#ref: }
if [ "$name" = "$head" ]; then
    commit=$head # detached
elif [ -f "$name" ]; then
    commit=$(cat "$name")
else
    commit=$(sed -n "s|^\([0-9a-f]*\) $name\$|\1|p" packed-refs)
fi
[ -n "$commit" ]
printf '%.7s\n' "$commit"
