# Gives an OpenVPN server's config the lines that openvpn-quota needs, and leaves all others as they are.
# A hook line that is there becomes "ours --then ITS-SCRIPT". Run by .ci/deploy; wants hooks, server and
# directory, that of the config.

# The value of a line as OpenVPN's lexer reads it, to stand within double quotes.
function value(line,   mark) {
  sub(/^[ \t]*[^ \t]+[ \t]+/, "", line)
  mark = substr(line, 1, 1)
  if (mark == "\"" && match(line, /^"([^"\\]|\\.)*"/)) return substr(line, 2, RLENGTH - 2)
  if (mark == "'" && match(line, /^'[^']*'/)) {
    line = substr(line, 2, RLENGTH - 2)
    gsub(/["\\]/, "\\\\&", line)
    return line
  }
  return unquoted(line)
}

# A value without quotes ends at a blank that has no backslash before it; a quote in it is a letter.
function unquoted(line,   text, letter) {
  while (match(line, /^(\\.|[^ \t\\])/)) {
    letter = substr(line, 1, RLENGTH)
    text = text (letter == "\"" ? "\\\"" : letter)
    line = substr(line, RLENGTH + 1)
  }
  return text
}

function hook(directive, program, line,   was) {
  was = value(line)
  if (was ~ ("/" program "( |$)")) return line
  if (was !~ /^\//) was = directory "/" was
  return directive " \"" hooks "/" program " --then " was "\""
}

# Within an inline file nothing is a directive.
inside != "" { lines[NR] = $0; if ($1 == inside) inside = ""; next }
$1 ~ /^<[a-z].*>$/ { inside = "</" substr($1, 2) }
{ lines[NR] = $0; name[NR] = $1; last[$1] = NR }
$1 == "user" { gives_up_root = $2 != "root" }
$1 == "script-security" { security = $2 }

END {
  for (number = 1; number <= NR; number++) {
    line = lines[number]
    if (number == last["client-connect"]) line = hook("client-connect", "quota-connect", line)
    if (number == last["client-disconnect"]) line = hook("client-disconnect", "quota-disconnect", line)
    if (number == last["script-security"] && security < 2) line = "script-security 2"
    if (number == last["group"] && gives_up_root) line = "group openvpn-quota"
    print line
  }
  if (!last["management"]) print "management /run/openvpn-quota/" server ".sock unix"
  if (!last["script-security"]) print "script-security 2"
  if (!last["client-connect"]) print "client-connect \"" hooks "/quota-connect\""
  if (!last["client-disconnect"]) print "client-disconnect \"" hooks "/quota-disconnect\""
  if (gives_up_root && !last["group"]) print "group openvpn-quota"
}
