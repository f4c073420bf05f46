import java.nio.ByteBuffer;
import java.util.HexFormat;

import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.SimpleRecord;

/**
 * Makes a batch of three records in each format that Kafka ever had, with Kafka's own classes.
 * Prints the format's number (magic) and the batch in hex, separated by a tab. Runs with
 * Kafka 3.9: later releases have the classes elsewhere, earlier ones have no Compression.
 *
 * Usage: java -cp 'lib/*' Batches.java
 */
public class Batches {
    public static void main(String[] args) {
        long time = 1_700_000_000_000L;
        for (byte magic = 0; magic <= 2; magic++) {
            Header[] headers = magic < 2 ? new Header[0] : new Header[] {new RecordHeader("trace", new byte[] {1, 2, 3})};
            long timestamp = magic < 1 ? -1 : time;
            ByteBuffer batch = MemoryRecords.withRecords(magic, Compression.NONE,
                new SimpleRecord(timestamp, "one".getBytes(), "first".getBytes(), headers),
                new SimpleRecord(timestamp, null, "second".getBytes(), headers),
                new SimpleRecord(timestamp, "three".getBytes(), null, headers)).buffer();
            byte[] bytes = new byte[batch.remaining()];
            batch.get(bytes);
            System.out.println(magic + "\t" + HexFormat.of().formatHex(bytes));
        }
    }
}
