// Package recordtext writes records as text and reads them again.
//
// As JSON a record is an object on a line of its own:
//
//	{"topic":"orders","partition":3,"offset":7,"timestamp":1700000000000,
//	 "key":null,"value":"text","headers":[{"key":"trace","value":{"base64":"AQID/w=="}}]}
//
// What is not UTF-8 is {"base64": "..."}; null and "" are not the same; headers keep their order.
// So what is written and read again is what it was. JSON made by hand may leave everything out.
//
// A [Format] has the fields between text of one's own: "%k: %v".
package recordtext
