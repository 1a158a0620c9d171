"""The functions of the simulated music assistant, as OpenAI's `tools` list."""

from __future__ import annotations

from typing import Any

from curation.sample.catalogue import DEVICES, PRESETS

Property = dict[str, Any]


def _text(description: str) -> Property:
    return {"type": "string", "description": description}


def _choice(description: str, values: list[str]) -> Property:
    return {"type": "string", "description": description, "enum": values}


def _whole_number(description: str, smallest: int, largest: int) -> Property:
    return {"type": "integer", "description": description, "minimum": smallest, "maximum": largest}


def _tool(name: str, description: str, required: dict[str, Property], **optional: Property) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
        "additionalProperties": False,
    }
    return {"type": "function", "function": {"name": name, "description": description, "parameters": schema}}


SONG = _text("Name of the song as the user said it")
ARTIST = _text("Name of the artist or band as the user said it")
ALBUM = _text("Name of the album as the user said it")
GENRE = _text("Genre of music, for example jazz")
PLAYLIST = _text("Name of one of the user's playlists")
CITY = _text("City")

TOOLS: list[dict[str, Any]] = [
    _tool("play_song", "Play one song.", {"song": SONG}, artist=ARTIST),
    _tool("play_artist", "Play music by one artist.", {"artist": ARTIST}),
    _tool("play_album", "Play an album from its first track.", {"album": ALBUM}, artist=ARTIST),
    _tool("play_genre", "Play music of one genre.", {"genre": GENRE}),
    _tool("play_mood", "Play music that fits a mood.", {"mood": _text("Mood, for example relaxing")}),
    _tool("play_playlist", "Play one of the user's playlists.", {"playlist": PLAYLIST}),
    _tool("play_radio", "Play an endless station made from an artist or a genre.", {}, artist=ARTIST, genre=GENRE),
    _tool("play_podcast", "Play the newest episode of a podcast.", {"podcast": _text("Name of the podcast")}),
    _tool("pause", "Stop the music where it is.", {}),
    _tool("resume", "Go on playing after a pause.", {}),
    _tool("next_track", "Skip to the next track.", {}),
    _tool("previous_track", "Go back to the track before.", {}),
    _tool("set_volume", "Set the volume.", {"level": _whole_number("Volume in percent", 0, 100)}),
    _tool(
        "change_volume",
        "Make it a step louder or quieter.",
        {"direction": _choice("Louder is up, quieter is down", ["up", "down"])},
    ),
    _tool("seek", "Jump forward inside the track.", {"seconds": _whole_number("Seconds to jump", 1, 3600)}),
    _tool("rewind", "Jump back inside the track.", {"seconds": _whole_number("Seconds to jump", 1, 3600)}),
    _tool(
        "shuffle",
        "Turn random order on or off.",
        {"on": {"type": "boolean", "description": "True for random order"}},
    ),
    _tool(
        "repeat",
        "Repeat the track or the whole list, or stop repeating.",
        {"mode": _choice("What is repeated", ["track", "playlist", "off"])},
    ),
    _tool("like", "Save the current song among the liked ones.", {}),
    _tool("dislike", "Never play the current song again.", {}),
    _tool(
        "add_to_playlist",
        "Add a song to a playlist; without a song, the current one.",
        {"playlist": PLAYLIST},
        song=SONG,
    ),
    _tool("create_playlist", "Make a new, empty playlist.", {"playlist": PLAYLIST}),
    _tool(
        "remove_from_playlist",
        "Take a song out of a playlist; without a song, the current one.",
        {"playlist": PLAYLIST},
        song=SONG,
    ),
    _tool("queue_song", "Play a song after the current one.", {"song": SONG}, artist=ARTIST),
    _tool("sleep_timer", "Stop playing later.", {"minutes": _whole_number("Minutes until then", 1, 600)}),
    _tool(
        "set_alarm",
        "Wake the user with music.",
        {"time": _text("Time as the user said it, for example 6:30 am")},
        artist=ARTIST,
    ),
    _tool("get_lyrics", "Show the words of a song; without a song, of the current one.", {}, song=SONG, artist=ARTIST),
    _tool("song_info", "Say what a song is; without a song, what is playing.", {}, song=SONG),
    _tool("who_sings", "Say who sings a song; without a song, who sings the current one.", {}, song=SONG),
    _tool("similar_artists", "Name artists that sound alike.", {"artist": ARTIST}),
    _tool("artist_biography", "Tell about an artist's life.", {"artist": ARTIST}),
    _tool("concerts", "Find concerts of an artist, in a city, or both.", {}, artist=ARTIST, city=CITY),
    _tool("top_songs", "Play the best known songs of an artist.", {"artist": ARTIST}),
    _tool("list_albums", "List the albums of an artist.", {"artist": ARTIST}),
    _tool("new_releases", "List music that has just come out.", {}, genre=GENRE),
    _tool("follow_artist", "Follow an artist.", {"artist": ARTIST}),
    _tool("download_album", "Keep an album for listening offline.", {"album": ALBUM}, artist=ARTIST),
    _tool("set_equalizer", "Choose a sound preset.", {"preset": _choice("Preset", PRESETS)}),
    _tool("cast_to", "Play on another device.", {"device": _choice("Device", DEVICES)}),
]

PARAMETERS: dict[str, frozenset[str]] = {
    tool["function"]["name"]: frozenset(tool["function"]["parameters"]["properties"]) for tool in TOOLS
}
"""The parameters of each function, by its name."""
