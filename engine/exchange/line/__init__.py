"""The parts of one live connection, server side: endpoints, session slots, the queue out, frames, the raw stream."""
