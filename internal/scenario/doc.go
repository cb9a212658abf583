// Package scenario reads and runs tests of monitors: text files that say which
// traffic a model gets, and which monitors are to fire, when, and when not. The
// monitors are planned, asked, judged and remembered by the code that does so in
// production.
//
// A file is read line by line. Words are separated by blanks; a word with blanks is
// put in double quotes; # begins a comment. Indented lines belong to the statement
// above them. In the order in which they stand, loads follow each other in time.
//
//	File        = { Line } .
//	Line        = [ Statement ] [ "#" comment ] newline .
//	Statement   = Model | Window | Start | Traffic | Reference | Load | Check .
//	Model       = "model" newline yaml                  one of modelstore.models
//	            | "model" name "from" path .            one of a configuration's
//	Window      = "window" duration .
//	Start       = "start" ( date | time ) .
//	Traffic     = "traffic" [ version ] newline { TrafficLine } .
//	TrafficLine = "rows" number | "daily" number | "weekly" number | "noise" number | "seed" number
//	            | key "normal" mean sd { Option } | key "lognormal" mean sd { Option }
//	            | key "boolean" share { Option } | key "category" { value share } { Option }
//	            | "binary" prediction actual { OutputOption } | "regression" prediction actual { OutputOption } .
//	Option      = ( "daily" | "weekly" | "missing" ) number .
//	OutputOption = ( "rate" | "separation" | "mean" | "sd" | "error" | "labelled" ) number .
//	Reference   = "reference" ( rows | "from" path | "none" ) .
//	Load        = "load" duration [ "empty" | "from" path [ "version" name ] | "stored" directory ]
//	              [ newline { Fault } ] .
//	Fault       = ( "shift" key "by" number | "scale" key "by" number | "stuck" key "at" number
//	            | "missing" key share | "vanish" key value | "appear" key value share | "text" key
//	            | "flip" share | "blur" share | "rate" factor | "repeat" factor ) [ "where" key "=" value ] .
//	Check       = ( "at" duration | "between" duration "and" duration ) "expect" Expectation .
//	Expectation = ( "silent" | "firing" | "resolved" | "pending" | "not_evaluated" | "at_most" number ) [ monitor ]
//	              { ( "field" | "version" | "segment" | "value" | "severity" | "reason" ) "=" word } .
//
// docs/monitors.md explains each, with examples.
package scenario
