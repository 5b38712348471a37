@echo off
set TOOLS=%~dp0tools
if not exist "%TOOLS%\nuget.exe" curl -L -o "%TOOLS%\nuget.exe" https://dist.example.org/win-x86-commandline/latest/nuget.exe
"%TOOLS%\nuget.exe" restore app.sln
