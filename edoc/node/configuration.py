"""Settings in a TOML file of a folder, overridden by variables of the environment; read once."""

import tomllib
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from edoc.errors import SettingsError
from edoc.signing.settings import list_mistakes


class FolderSettings(BaseSettings):
    """What a folder is told by its file; subclasses name the file and what to do where it is missing."""

    file_name: ClassVar[str]
    advice: ClassVar[str]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment overrides the file; nothing else is read."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the settings of the folder.

        Raises `SettingsError` that names the file, the setting, and what is wrong with it.
        """
        file = folder / cls.file_name
        try:
            content: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise SettingsError(
                f"there is no {cls.file_name} in this folder.", where=str(folder), advice=cls.advice
            ) from None
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SettingsError(f"it cannot be read as TOML: {error}.", where=str(file)) from error
        try:
            return cls(**content)
        except ValidationError as error:
            raise SettingsError(
                f"{list_mistakes(error)}.", where=str(file), advice="Correct the setting."
            ) from None
