// Package wire says how the fields of a message stand in its bytes, from the definitions:
// for people, and to find the field in which bytes stop being the message.
package wire
