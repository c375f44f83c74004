#!/bin/sh
# Installs the newest Claude Code beside the ones that CI knows, and runs every
# end-to-end scenario against it: make newest-client
set -eu
cd "$(dirname "$0")/../.."

version=$(npm view @anthropic-ai/claude-code version)
folder=${CLAUDE_CODE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/aiproxy-tests/claude-code}
echo "Claude Code $version"
if [ ! -d "$folder/$version/node_modules" ]; then
    npm install --silent --no-audit --no-fund --ignore-scripts \
        --prefix "$folder/$version" "@anthropic-ai/claude-code@$version"
fi
CLAUDE_CODE_DIR=$folder CLAUDE_CODE_VERSIONS=$version REQUIRE_CLAUDE_CODE=1
export CLAUDE_CODE_DIR CLAUDE_CODE_VERSIONS REQUIRE_CLAUDE_CODE
exec ./test.sh -m claude_code "$@"
