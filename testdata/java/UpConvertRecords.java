import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.RecordBatch;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.utils.BufferSupplier;
import org.apache.kafka.common.utils.PrimitiveRef;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.server.common.MetadataVersion;
import org.apache.kafka.storage.internals.log.AppendOrigin;
import org.apache.kafka.storage.internals.log.LogValidator;

/**
 * Makes of message sets what a broker of 3.9, the last that does so, appends to a log of a newer
 * format.
 *
 * Usage: java -cp 'lib/*' UpConvertRecords.java
 * reads lines of name, format, first offset and records in hex, separated by tabs, and prints name,
 * these records, and those in the format.
 */
public class UpConvertRecords {
    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = in.readLine()) != null;) {
            String[] fields = line.split("\t", -1);
            MemoryRecords records = MemoryRecords.readableRecords(ByteBuffer.wrap(HexFormat.of().parseHex(fields[3])));
            CompressionType codec = records.batches().iterator().next().compressionType();
            LogValidator validator = new LogValidator(records, new TopicPartition("topic", 0), Time.SYSTEM, codec, Compression.of(codec).build(), false,
                Byte.parseByte(fields[1]), TimestampType.CREATE_TIME, Long.MAX_VALUE, Long.MAX_VALUE, RecordBatch.NO_PARTITION_LEADER_EPOCH, AppendOrigin.CLIENT, MetadataVersion.latestProduction());
            MemoryRecords out = validator.validateMessagesAndAssignOffsets(PrimitiveRef.ofLong(Long.parseLong(fields[2])), new Metrics(), BufferSupplier.NO_CACHING).validatedRecords;
            byte[] bytes = new byte[out.buffer().remaining()];
            out.buffer().duplicate().get(bytes);
            System.out.println(fields[0] + "\t" + fields[3] + "\t" + HexFormat.of().formatHex(bytes));
        }
    }

    static class Metrics implements LogValidator.MetricsRecorder {
        public void recordInvalidMagic() { }
        public void recordInvalidOffset() { }
        public void recordInvalidSequence() { }
        public void recordInvalidChecksums() { }
        public void recordNoKeyCompactedTopic() { }
    }
}
