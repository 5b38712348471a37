@echo off
setlocal EnableDelayedExpansion
set ROOT=%~dp0
set "PATH=%ROOT%tools;%PATH%"
for /f "tokens=1,2 delims==" %%a in (%ROOT%version.txt) do if "%%a"=="VERSION" set VER=%%b
call :log Building !VER!
for %%p in (x86 x64) do (
  call :build %%p || goto fail
)
powershell -NoProfile -ExecutionPolicy Bypass -File "%ROOT%pack.ps1" -Version !VER!
if errorlevel 1 goto fail
exit /b 0
:build
msbuild "%ROOT%app.sln" /p:Platform=%1 /p:Configuration=Release /m /nologo
exit /b %errorlevel%
:log
echo [%date% %time%] %*
exit /b 0
:fail
call :log FAILED
exit /b 1
