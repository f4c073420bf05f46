// Package capture reads captures of network traffic, in the formats pcap and pcapng, as far as
// TCP: [Reader] reads packets, [Packet.TCP] what is in them, and a [Stream] puts the bytes of
// one direction of a connection in order.
//
// It exists because the library that Go has for captures would bring decoders of some hundred
// protocols, and three modules, to all who use this one.
package capture
