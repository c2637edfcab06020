import { compressionRegistry, tableFromIPC, type Table } from "apache-arrow";
import type { Block } from "apache-arrow/fb/block";
import { CompressionType } from "apache-arrow/fb/compression-type";
import { DictionaryBatch } from "apache-arrow/fb/dictionary-batch";
import type { Field } from "apache-arrow/fb/field";
import { Footer } from "apache-arrow/fb/footer";
import { Message } from "apache-arrow/fb/message";
import { MessageHeader } from "apache-arrow/fb/message-header";
import { RecordBatch } from "apache-arrow/fb/record-batch";
import { Schema } from "apache-arrow/fb/schema";
import { ByteBuffer } from "flatbuffers";
import { formatBytes } from "../util/index.ts";
import { unpackLz4, unpackZstd } from "./compression.ts";

/** What compressed buffers of a file may hold together. */
const MAX_UNPACKED = 2_000_000_000;
const MAX_DEPTH = 64;

compressionRegistry.set(CompressionType.LZ4_FRAME, { decode: unpackLz4 });
compressionRegistry.set(CompressionType.ZSTD, { decode: unpackZstd });

/**
 * Reads an Arrow IPC file or stream whose buffers are plain or compressed.
 *
 * apache-arrow believes every count that it reads, and one wrong bit keeps it busy for ever. So the messages are gone
 * through first, and each count is held against the bytes that are there to be counted.
 * @throws Error saying what is wrong.
 */
export function readArrow(bytes: Uint8Array): Table {
  const check = new Check(bytes);
  if (textAt(bytes, 0) === MAGIC) check.file();
  else check.stream();
  return tableFromIPC(bytes);
}

const MAGIC = "ARROW1";
const textAt = (bytes: Uint8Array, from: number): string =>
  String.fromCharCode(...bytes.subarray(from, from + MAGIC.length));

class Check {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private unpacked = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** A file's footer has the schema, and says where the batches are. */
  file(): void {
    const tail = this.bytes.length - MAGIC.length - 4;
    if (tail < 8 || textAt(this.bytes, tail + 4) !== MAGIC) throw new Error("it is cut off");
    const size = this.int32(tail);
    this.within("the footer", size, tail - 8);
    const footer = Footer.getRootAsFooter(new ByteBuffer(this.bytes.subarray(tail - size, tail)));
    const schema = footer.schema();
    if (schema) this.schema(schema, size);
    this.within("metadata", footer.customMetadataLength(), size / 4);
    this.within("the footer", footer.dictionariesLength(), size / 24);
    this.within("the footer", footer.recordBatchesLength(), size / 24);
    for (let i = 0; i < footer.dictionariesLength(); i++) {
      this.block(footer.dictionaries(i), tail - size, MessageHeader.DictionaryBatch);
    }
    for (let i = 0; i < footer.recordBatchesLength(); i++) {
      this.block(footer.recordBatches(i), tail - size, MessageHeader.RecordBatch);
    }
  }

  stream(): void {
    for (let at: number | null = 0; at !== null && at < this.bytes.length;) {
      at = this.messageAt(
        at,
        at === 0 ? [MessageHeader.Schema] : [MessageHeader.DictionaryBatch, MessageHeader.RecordBatch],
      );
    }
  }

  private block(block: Block | null, end: number, type: MessageHeader): void {
    const offset = Number(block?.offset());
    this.within("a block's place", offset, end);
    if (this.messageAt(offset, [type]) === null) throw new Error("a block is empty");
  }

  /** Checks a message. @returns Where the next one begins; null where this one ends the stream. */
  private messageAt(start: number, types: readonly MessageHeader[]): number | null {
    let at = start + 4;
    let size = this.int32(start);
    if (size === -1) {
      size = this.int32(at);
      at += 4;
    }
    if (size === 0) return null;
    this.within("a message", size, this.bytes.length - at);
    const message = Message.getRootAsMessage(new ByteBuffer(this.bytes.subarray(at, at + size)));
    at += size;
    const body = Number(message.bodyLength());
    this.within("a message's body", body, this.bytes.length - at);
    if (!types.includes(message.headerType())) throw new Error(`a message is of type ${message.headerType()}`);
    this.message(message, size, this.bytes.subarray(at, at + body));
    return at + body;
  }

  private int32(at: number): number {
    if (at + 4 > this.bytes.length) throw new Error("it is cut off");
    return this.view.getInt32(at, true);
  }

  private within(what: string, found: number, most: number): void {
    if (!(found >= 0 && found <= most)) throw new Error(`${what} claims ${found}; there can be at most ${most}`);
  }

  /** @param size Bytes of the message, all of whose parts lie in it. */
  private message(message: Message, size: number, body: Uint8Array): void {
    this.within("metadata", message.customMetadataLength(), size / 4);
    const type = message.headerType();
    if (type === MessageHeader.Schema) {
      const schema = message.header(new Schema()) as Schema | null;
      if (schema) this.schema(schema, size);
    } else if (type === MessageHeader.RecordBatch) {
      const batch = message.header(new RecordBatch()) as RecordBatch | null;
      if (batch) this.batch(batch, size, body);
    } else {
      const batch = (message.header(new DictionaryBatch()) as DictionaryBatch | null)?.data();
      if (batch) this.batch(batch, size, body);
    }
  }

  private schema(schema: Schema, size: number): void {
    // Offsets can lead in circles: no message has more fields than places for them.
    let room = size / 4;
    const field = (of: Field | null, depth: number): void => {
      if (!of) return;
      if (depth > MAX_DEPTH || --room < 0) throw new Error("its schema has no end");
      this.within("metadata", of.customMetadataLength(), size / 4);
      const children = of.childrenLength();
      this.within("a field", children, size / 4);
      for (let i = 0; i < children; i++) field(of.children(i), depth + 1);
    };
    this.within("metadata", schema.customMetadataLength(), size / 4);
    const fields = schema.fieldsLength();
    this.within("a schema", fields, size / 4);
    for (let i = 0; i < fields; i++) field(schema.fields(i), 0);
  }

  private batch(batch: RecordBatch, size: number, body: Uint8Array): void {
    const buffers = batch.buffersLength();
    const nodes = batch.nodesLength();
    this.within("a batch's buffers", buffers, size / 16);
    this.within("a batch's columns", nodes, size / 16);
    const counts = batch.variadicBufferCountsLength();
    this.within("a batch's views", counts, size / 8);
    for (let i = 0; i < counts; i++) {
      this.within("a batch's views", Number(batch.variadicBufferCounts(i)), buffers);
    }
    const compressed = batch.compression() !== null;
    let held = 0;
    for (let i = 0; i < buffers; i++) {
      const buffer = batch.buffers(i);
      const [offset, length] = [Number(buffer?.offset()), Number(buffer?.length())];
      this.within("a buffer's place", offset, body.length);
      this.within("a buffer", length, body.length - offset);
      held += compressed ? this.unpackedSize(body.subarray(offset, offset + length)) : length;
    }
    this.unpacked += held;
    if (compressed && this.unpacked > MAX_UNPACKED) {
      throw new Error(`it unpacks to more than ${formatBytes(MAX_UNPACKED)}`);
    }
    // A row of any column but one of nulls takes a bit or more.
    const rows = 8 * held;
    this.within("a batch's rows", Number(batch.length()), rows);
    for (let i = 0; i < nodes; i++) {
      const node = batch.nodes(i);
      this.within("a column's rows", Number(node?.length()), rows);
      this.within("a column's nulls", Number(node?.nullCount()), Number(node?.length()));
    }
  }

  /** What stands before the bytes of a compressed buffer: its size, or -1 where it is not compressed after all. */
  private unpackedSize(buffer: Uint8Array): number {
    if (buffer.length < 8) return 0;
    const size = Number(new DataView(buffer.buffer, buffer.byteOffset).getBigInt64(0, true));
    if (size === -1) return buffer.length - 8;
    this.within("a compressed buffer", size, MAX_UNPACKED);
    return size;
  }
}
