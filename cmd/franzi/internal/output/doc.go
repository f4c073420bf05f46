// Package output writes what commands have to say in the format that the user asked for.
//
// A command hands over a [Result]: a value for programs, and a table for people. A [Writer]
// writes it as a table, as JSON or YAML, bare, or through a template. The keys of JSON come
// in the order in which the command gave them, and numbers keep all their digits.
package output
